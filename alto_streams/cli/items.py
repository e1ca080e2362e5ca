"""Shows a question of any pipeline: its items as they come, nested by ancestry, and the outcome as it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml  # type: ignore[import-untyped]
from rich.console import Console
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from alto_streams.cli.render import clean, print_plain, watch
from alto_streams.events import EndEvent, Event, ItemEvent, place, plain

MOST = 300  # characters of one item on a screen


def brief(value: Any) -> str:
    """What an item says, on one line: its texts as they are, numbers with their names, how many messages it holds.

    >>> brief({"text": "Ulm lies on the Danube.", "titles": ["Ulm", "Danube"], "score": 0.5, "sources": [{}, {}]})
    'Ulm lies on the Danube. [Ulm, Danube] score 0.5 sources 2'
    """
    if isinstance(value, dict):
        return " ".join(_field(name, entry) for name, entry in value.items() if entry not in ("", None, [], {}))
    if isinstance(value, list):
        return f"[{', '.join(brief(item) for item in value)}]"
    return f"{value:.4g}" if isinstance(value, float) else clean(str(value))


def _field(name: str, value: Any) -> str:
    if isinstance(value, list) and isinstance(value[0], dict):
        return f"{name} {len(value)}"
    return brief(value) if isinstance(value, (str, list, dict)) else f"{name} {brief(value)}"


def item_line(item: ItemEvent, width: int = 10, where: str = "") -> Text:
    """Type and text of one item. Whoever wants all of a long one asks with --json."""
    said = brief(plain(item.value)) + ("" if item.final else " (so far)")
    return Text.assemble(
        (f"{item.type:<{width}} ", "cyan"), (where, "dim"), said if len(said) <= MOST else said[: MOST - 1] + "…"
    )


def _where(item: ItemEvent) -> str:
    return ".".join(map(str, place(item.item_id)))


def plain_line(event: Event) -> Text | None:
    """One item as one line of plain output, with its place: 0.2 is the third item under the first."""
    if not isinstance(event, ItemEvent):
        return None
    return item_line(event, where=f"{_where(event):<7} ")


def plain_lines(events: Iterable[Event], question: str) -> Iterator[Text]:
    """A whole answer in plain lines, without its summary."""
    yield Text(f"question   {clean(question)}")
    yield from filter(None, map(plain_line, events))


def outcome_text(end: EndEvent) -> Text:
    """The outcome's message as YAML, without the id that everybody knows."""
    said = plain(end.value)
    if isinstance(said, dict):
        said = {name: entry for name, entry in said.items() if name != "question_id" and entry not in ("", [], {})}
    dumped = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=10_000) if said else ""
    lines = ["".join(c for c in line if c.isprintable()) for line in str(dumped).splitlines() if line != "..."]
    return Text("\n".join(["outcome" if lines else "outcome    empty", *(f"  {line}" for line in lines)]))


@dataclass(slots=True)
class Tally:
    """How many items of each type came, and when the first of them did."""

    started: float = field(default_factory=time.monotonic)
    first: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    end: EndEvent | None = None

    def note(self, event: Event) -> bool:
        """Whether it was the last."""
        self.first.setdefault(event.type, time.monotonic() - self.started)
        if isinstance(event, EndEvent):
            self.end = event
        elif not isinstance(event, ItemEvent) or event.final:
            self.counts[event.type] += 1
        return self.end is not None

    def line(self) -> str:
        """One line for people, once the question has ended."""
        assert self.end is not None
        counts = ", ".join(f"{count} {type}" for type, count in self.counts.items()) or "no items"
        times = [f"first {type} {self.first[type]:.1f} s" for type in self.counts]
        text = f"{self.end.status}: {counts}; {', '.join([*times, f'total {self.first[self.end.type]:.1f} s'])}"
        if failure := self.end.failure:
            text += f"; failed in {failure.stage}: {failure.kind}: {clean(failure.message)}"
        return text

    @property
    def complete(self) -> bool:
        return self.end is not None and self.end.status == "complete"


class ItemTree:
    """The items so far, each under the one that it descends from; rich can draw it at any moment."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._items: dict[tuple[tuple[int, ...], int], ItemEvent] = {}
        self._types: dict[str, int] = {}  # in the order in which they were first seen
        self._ended = False
        self._spinner = Spinner("dots")

    def receive(self, event: Event) -> None:
        if isinstance(event, ItemEvent):
            # A later run of a stage writes over what an earlier one left at the same place.
            self._items[place(event.item_id), self._types.setdefault(event.type, len(self._types))] = event
        else:
            self._ended = True

    def __rich__(self) -> Tree:
        # rich draws in a thread of its own while events come in.
        items = sorted(dict(self._items).items(), key=lambda entry: entry[0])
        tree = Tree(Text(clean(self._question), "bold"), guide_style="dim")
        width = max((len(item.type) for _, item in items), default=0)
        branches: dict[tuple[int, ...], Tree] = {}
        for (where, _), item in items:
            above = next((branches[where[:n]] for n in range(len(where) - 1, -1, -1) if where[:n] in branches), tree)
            branch = above.add(item_line(item, width, f"{_where(item)}  "))
            branches.setdefault(where, branch)
        if not self._ended:
            frame = self._spinner.render(time.monotonic())
            tree.add(Text.assemble((str(frame), "cyan"), " working"))
        return tree


async def follow(events: AsyncGenerator[Event, None], question: str, console: Console) -> bool:
    """Shows the items of one question, its outcome, and how it went. Whether it completed."""
    tally = Tally()
    await watch(events, question, console, ItemTree(question), plain_line, tally.note)
    show_end(tally, console)
    return tally.complete


def show_end(tally: Tally, console: Console) -> None:
    """The outcome, then one line of counts and times."""
    assert tally.end is not None
    for line in outcome_text(tally.end).split():
        print_plain(console, line)
    print_plain(console, Text(tally.line(), "dim" if tally.complete else "red"))
