"""Reads many questions from lines of text: one question a line, or one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from alto_streams.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """One question of a file, with the id that the file gives it."""

    text: str
    question_id: str | None = None


def read_questions(lines: Iterable[str], source: str) -> list[AskedQuestion]:
    r"""The questions of `lines`; blank lines are skipped. Raises InvalidInput naming `source` and the line.

    >>> read_questions(["Who?\n", "\n", '{"question": "What?", "question_id": "7"}'], "here")
    [AskedQuestion(text='Who?', question_id=None), AskedQuestion(text='What?', question_id='7')]
    """
    found: list[AskedQuestion] = []
    ids: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        asked = _from_json(line, source, number) if line.lstrip().startswith("{") else AskedQuestion(line.strip())
        if asked.question_id is not None and asked.question_id in ids:
            raise _invalid(source, number, f"has the id '{asked.question_id}' of an earlier line")
        ids.update(filter(None, [asked.question_id]))
        found.append(asked)
    if not found:
        raise InvalidInput("no_questions", f"{source} holds no question.", "write one question a line")
    return found


def _from_json(line: str, source: str, number: int) -> AskedQuestion:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise _invalid(source, number, f"is not valid JSON ({error})") from None
    text = fields.get("text", fields.get("question"))
    question_id = fields.get("question_id", fields.get("id"))
    if not isinstance(text, str):
        raise _invalid(source, number, "has neither a string 'text' nor a string 'question'")
    return AskedQuestion(text, None if question_id is None else str(question_id))


def _invalid(source: str, number: int, what: str) -> InvalidInput:
    return InvalidInput("invalid_question", f"{source}, line {number} {what}.", "correct the line, or take it out")
