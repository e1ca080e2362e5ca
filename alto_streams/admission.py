"""Reads what users put on the input topic: Protobuf, or JSON when the header `content-type` says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import Parse, ParseError
from google.protobuf.message import DecodeError

from alto_streams.errors import InvalidInput, PipelineError

STRINGS = {FieldDescriptor.TYPE_STRING}
WHOLE_NUMBERS = {
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_UINT64,
}
MAX_ID_CHARS = 128
MAX_DEADLINE_MS = 600_000
CANCEL = b"cancel"  # of the header `type`: the record ends the question that its key names
JSON, PROTOBUF = "application/json", "application/x-protobuf"


def read_question(value: bytes | None, key: bytes | None, headers: Mapping[str, bytes], type: Any) -> tuple[str, Any]:
    """The question's id and message. The value's id wins, else the record's key serves.

    Raises InvalidInput where the value does not parse or nothing gives an id.
    """
    content_type = headers.get("content-type", PROTOBUF.encode()).decode(errors="replace")
    try:
        if content_type == JSON:
            question = Parse((value or b"").decode(), type())
        elif content_type == PROTOBUF:
            question = type.FromString(value or b"")
        else:
            raise InvalidInput(
                "unknown_content_type", f"The content-type '{content_type}' is not known.", f"use {PROTOBUF} or {JSON}"
            )
    except (DecodeError, ParseError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "invalid_question",
            f"The value is no valid {type.__name__} as {content_type}: {error}",
            "see docs/contract.md",
        ) from None
    return question_id_of(question, key), question


def question_id_of(question: Any, key: bytes | None) -> str:
    """Raises InvalidInput where there is no usable id."""
    question_id = (question.question_id if question is not None else "") or (key or b"").decode(errors="replace")
    if not question_id or len(question_id) > MAX_ID_CHARS or not question_id.isprintable():
        raise InvalidInput(
            "missing_question_id",
            f"The question has no usable id (1 to {MAX_ID_CHARS} printable characters).",
            "set question_id, or the record's key",
        )
    return question_id


def check_question_type(type: Any, pipeline: str) -> None:
    """Raises PipelineError where a pipeline takes what nobody can ask: without an id, a text, a deadline."""
    fields = getattr(getattr(type, "DESCRIPTOR", None), "fields_by_name", {})
    wanted = {"question_id": STRINGS, "text": STRINGS, "deadline_ms": WHOLE_NUMBERS}
    lacking = [name for name, types in wanted.items() if name not in fields or fields[name].type not in types]
    if lacking:
        raise PipelineError(
            f"The questions of pipeline '{pipeline}' are of type {getattr(type, '__name__', type)}, which has no "
            f"{' and no '.join(lacking)}.",
            "take schemas/question.proto for its source, or give the message string question_id, string text and "
            "uint32 deadline_ms",
        )


def check_question(question: Any, max_chars: int) -> None:
    """Raises InvalidInput for a question that cannot be answered."""
    text = question.text.strip()
    if not text:
        raise InvalidInput("invalid_question", "The question is empty.", "send a text")
    if len(text) > max_chars:
        raise InvalidInput(
            "invalid_question",
            f"The question has {len(text)} characters; at most {max_chars} are accepted.",
            "shorten it, or raise ALTO_MAX_QUESTION_CHARS",
        )
    if question.deadline_ms > MAX_DEADLINE_MS:
        raise InvalidInput(
            "invalid_question",
            f"The deadline of {question.deadline_ms} ms is beyond the limit of {MAX_DEADLINE_MS} ms.",
            "ask for less",
        )
