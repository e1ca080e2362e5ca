"""Where a piece of text stood in what its stage wrote, for the messages that want to know."""

from __future__ import annotations

from typing import Any


def has_place(type: Any) -> bool:
    """Whether a Protobuf message has `start` and `end`, each one whole number."""
    fields = getattr(getattr(type, "DESCRIPTOR", None), "fields_by_name", {})
    return all(name in fields and _whole(fields[name]) for name in ("start", "end"))


def _whole(field: Any) -> bool:
    kinds = (field.CPPTYPE_INT32, field.CPPTYPE_INT64, field.CPPTYPE_UINT32, field.CPPTYPE_UINT64)
    return field.cpp_type in kinds and not field.is_repeated


def in_place(type: Any, piece: Any) -> Any:
    """The message of a piece, with its place."""
    return type(text=piece, start=piece.start, end=piece.end)
