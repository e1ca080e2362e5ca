"""A message that has room for the place of its piece gets it, at every level of a cut; others do not notice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from alto_streams.context import Context
from alto_streams.failure import Failure
from alto_streams.pipeline import Pipeline
from alto_streams.places import has_place
from alto_streams.testing import run
from examples.pipelines.messages_pb2 import Line


def message(**fields: int) -> Any:
    """A message with a text and fields of these types; a negative one is repeated."""
    file = FileDescriptorProto(name="piece.proto", package="places", syntax="proto3")
    made = file.message_type.add(name="Piece")
    made.field.add(name="text", number=1, type=Field.TYPE_STRING, label=Field.LABEL_OPTIONAL)
    for number, (name, type) in enumerate(fields.items(), 2):
        label = Field.LABEL_REPEATED if type < 0 else Field.LABEL_OPTIONAL
        made.field.add(name=name, number=number, type=abs(type), label=label)  # type: ignore[arg-type]
    pool = DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return GetMessageClass(pool.FindMessageTypeByName("places.Piece"))


Placed = message(start=Field.TYPE_UINT32, end=Field.TYPE_UINT32)


async def write(question: bytes, ctx: Context) -> AsyncIterator[str]:
    """In chunks of three characters."""
    text = question.decode()
    for at in range(0, len(text), 3):
        yield text[at : at + 3]


def conclude(question_id: str, items: list[Line], failure: Failure | None) -> bytes:
    return b"failed" if failure else b""


def pieces(text: str, quanta: tuple[str, ...], types: tuple[Any, ...]) -> list[list[Any]]:
    """What the readers of each level read."""
    p = Pipeline("places", source=bytes)
    stream = p.source.expand(write, "level0", cut=quanta[0], item=types[0])
    levels = [stream]
    for depth, quantum in enumerate(quanta[1:], 1):
        levels.append(levels[-1].cut(f"level{depth}", at=quantum, item=types[depth]))
    read: list[list[Any]] = [[] for _ in levels]

    def reader(depth: int) -> Any:
        async def look(item: Any, ctx: Context) -> Line:
            read[depth].append(item)
            return Line()

        return look

    for depth, one in enumerate(levels[1:], 1):
        p.publish(one.map(reader(depth), name=f"look{depth}"), f"seen{depth}")
    p.output(
        stream.map(reader(0), name="look0"), "seen", conclude=lambda question, items, failure: bytes(bool(failure))
    )
    assert run(p, {"q": text.encode()}).outcomes == {"q": b""}
    return read


@pytest.mark.parametrize(
    "quanta", [("line",), ("line", "word"), ("sentence", "word"), ("item",), ("paragraph", "line", "token")]
)
def test_the_place_of_a_piece_is_where_it_stands_in_what_the_function_wrote(quanta: tuple[str, ...]) -> None:
    text = "\n  - Über allen Gipfeln.\n  \n- 🌿 grün ist es. Ja,  grün!\n\nEnd"
    found = pieces(text, quanta, (Placed,) * len(quanta))
    for level in found:
        assert level
        assert [text[one.start : one.end] for one in level] == [one.text for one in level]
        assert [one.start for one in level] == sorted({one.start for one in level})  # none stands where another does
    plain = pieces(text, quanta, (Line,) * len(quanta))
    assert [[one.text for one in level] for level in found] == [[one.text for one in level] for level in plain]


@pytest.mark.parametrize("types", [(Placed, Line), (Line, Placed)], ids=["items", "parts"])
def test_each_level_decides_for_itself(types: tuple[Any, Any]) -> None:
    lines, words = pieces("a b\nc d", ("line", "word"), types)
    assert [one.text for one in lines] == ["a b", "c d"]
    assert [one.text for one in words] == ["a", "b", "c", "d"]
    placed = [(one.start, one.end) for one in (*lines, *words) if isinstance(one, Placed)]
    assert placed == ([(0, 3), (4, 7)] if types[0] is Placed else [(0, 1), (2, 3), (4, 5), (6, 7)])


@pytest.mark.parametrize(
    ("type", "wanted"),
    [
        (Placed, True),
        (message(start=Field.TYPE_INT64, end=Field.TYPE_INT32), True),
        (message(start=Field.TYPE_UINT32), False),
        (message(end=Field.TYPE_UINT32), False),
        (message(start=Field.TYPE_STRING, end=Field.TYPE_STRING), False),
        (message(start=Field.TYPE_DOUBLE, end=Field.TYPE_DOUBLE), False),
        (message(start=Field.TYPE_BOOL, end=Field.TYPE_BOOL), False),
        (message(start=-Field.TYPE_UINT32, end=Field.TYPE_UINT32), False),
        (Line, False),
        (str, False),
    ],
)
def test_only_two_whole_numbers_are_a_place(type: Any, wanted: bool) -> None:
    assert has_place(type) is wanted


def test_fields_of_that_name_that_hold_something_else_are_left_alone() -> None:
    Named = message(start=Field.TYPE_STRING, end=Field.TYPE_STRING)
    [[line]] = pieces("a b", ("line",), (Named,))
    assert (line.text, line.start, line.end) == ("a b", "", "")
