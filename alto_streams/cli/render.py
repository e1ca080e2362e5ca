"""Shows one question in the terminal while it is answered: a live tree, or plain lines where nobody watches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text
from rich.tree import Tree

from alto_streams.client import AltoClient
from alto_streams.events import (
    ClaimEvent,
    EndEvent,
    Event,
    ItemEvent,
    OutcomeEvent,
    SentenceEvent,
    Verdict,
    VerifiedClaimEvent,
    place,
)

REFRESHES_PER_S = 8

LOOKS: dict[Verdict, tuple[str, str]] = {
    "supported": ("✔ supported", "green"),
    "refuted": ("✘ refuted", "red"),
    "not_enough_evidence": ("? not enough evidence", "yellow"),
}


def clean(text: str) -> str:
    """Text of a model or a corpus on one line, without the control characters that could steer a terminal."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


@dataclass(frozen=True, slots=True)
class Summary:
    """How one question went; times in seconds since it was asked, None for what never came."""

    question: str
    outcome: OutcomeEvent
    first_sentence_s: float | None
    first_claim_s: float | None
    first_verified_s: float | None
    last_verdict_s: float | None
    total_s: float

    def line(self) -> str:
        """One line for people."""
        verdicts = Counter(claim.verdict for claim in self.outcome.claims)
        counts = ", ".join(f"{verdicts[v]} {v.replace('_', ' ')}" for v in LOOKS if verdicts[v])
        times = [
            f"{name} {seconds:.1f} s"
            for name, seconds in (
                ("first sentence", self.first_sentence_s),
                ("first claim", self.first_claim_s),
                ("first verdict", self.first_verified_s),
                ("last verdict", self.last_verdict_s),
                ("total", self.total_s),
            )
            if seconds is not None
        ]
        claims = f"{len(self.outcome.claims)} claim{'' if len(self.outcome.claims) == 1 else 's'}"
        text = f"{self.outcome.status}: {claims}{f' ({counts})' if counts else ''}; {', '.join(times)}"
        if failure := self.outcome.failure:
            text += f"; failed in {failure.stage}: {failure.kind}: {clean(failure.message)}"
        return text


@dataclass(slots=True)
class Stopwatch:
    """Notes when the events of one question come; ends in its summary."""

    question: str
    started: float = field(default_factory=time.monotonic)
    first: dict[str, float] = field(default_factory=dict)
    last_verdict: float | None = None

    def note(self, event: Event) -> Summary | None:
        """The summary, once the event is the outcome."""
        now = time.monotonic() - self.started
        self.first.setdefault(event.type, now)
        if isinstance(event, VerifiedClaimEvent):
            self.last_verdict = now
        if not isinstance(event, OutcomeEvent):
            return None
        return Summary(
            self.question,
            event,
            first_sentence_s=self.first.get("sentence"),
            first_claim_s=self.first.get("claim"),
            first_verified_s=self.first.get("verified_claim"),
            last_verdict_s=self.last_verdict,
            total_s=now,
        )


def verdict_line(claim: VerifiedClaimEvent) -> Text:
    """A verdict, the probability that the claim is true, the claim, and the passage it rests on."""
    label, colour = LOOKS[claim.verdict]
    line = Text.assemble((label, colour), (f" p {claim.score:.2f}  ", "bold " + colour), clean(claim.claim))
    if claim.evidence:
        line.append(f"  [{clean(claim.evidence[0].title)}]", "dim")
    return line


def plain_line(event: Event) -> Text | None:
    """One event as one line of plain output; the outcome's line is the summary's."""
    match event:
        case SentenceEvent():
            return Text(f"sentence   {clean(event.sentence)}")
        case ClaimEvent():
            return Text(f"claim      {clean(event.claim)}")
        case VerifiedClaimEvent():
            return Text("verdict    ").append_text(verdict_line(event))
        case OutcomeEvent() | ItemEvent() | EndEvent():
            return None


def plain_lines(events: Iterable[Event], question: str) -> Iterator[Text]:
    """A whole answer in plain lines, without its summary."""
    yield Text(f"question   {clean(question)}")
    for event in events:
        if (line := plain_line(event)) is not None:
            yield line


class AnswerTree:
    """What is known of one answer, as a tree that rich can draw at any moment: sentences, under each its claims."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._sentences: dict[int, SentenceEvent] = {}
        self._claims: dict[tuple[int, ...], ClaimEvent | VerifiedClaimEvent] = {}
        self._outcome: OutcomeEvent | None = None
        self._spinner = Spinner("dots")

    def receive(self, event: Event) -> None:
        # A later run of a stage writes over what an earlier one left at the same place.
        match event:
            case SentenceEvent():
                self._sentences[place(event.sentence_id)[0]] = event
            case VerifiedClaimEvent():
                self._claims[place(event.claim_id)] = event
            case ClaimEvent():
                seen = self._claims.get(place(event.claim_id))
                if seen is None or seen.claim_id != event.claim_id:
                    self._claims[place(event.claim_id)] = event
            case OutcomeEvent():
                self._outcome = event
                if event.status == "complete":
                    self._claims = {place(claim.claim_id): claim for claim in event.claims}

    def __rich__(self) -> Tree:
        # rich draws in a thread of its own while events come in.
        sentences, claims = dict(self._sentences), dict(self._claims)
        tree = Tree(Text(clean(self._question), "bold"), guide_style="dim")
        for index in sorted({where[0] for where in claims if where} | sentences.keys()):
            # Sentence and claims travel apart: a claim may come before the sentence that it is of.
            branch = tree.add(Text(clean(sentences[index].sentence) if index in sentences else "…"))
            for where in sorted(claims):
                if where and where[0] == index:
                    branch.add(self._claim(claims[where]))
        if not tree.children and self._outcome is None:
            tree.add(self._spinning("thinking"))
        return tree

    def _claim(self, claim: ClaimEvent | VerifiedClaimEvent) -> RenderableType:
        if isinstance(claim, VerifiedClaimEvent):
            return verdict_line(claim)
        if self._outcome is not None:
            return Text(f"- not checked  {clean(claim.claim)}", "dim")
        return self._spinning(f"checking  {clean(claim.claim)}")

    def _spinning(self, text: str) -> RenderableType:
        frame = self._spinner.render(time.monotonic())
        return Text.assemble((str(frame), "cyan"), " ", text)


async def show(client: AltoClient, question: str, console: Console, *, deadline_s: float | None = None) -> Summary:
    """Asks `question` and shows its events on `console` as they come. Raises what `AltoClient.ask` raises."""
    return await follow(client.ask(question, deadline_s=deadline_s), question, console)


async def follow(events: AsyncGenerator[Event, None], question: str, console: Console) -> Summary:
    """Shows the events of one question up to its outcome, then its summary."""
    summaries: list[Summary] = []
    stopwatch = Stopwatch(question)

    def ended(event: Event) -> bool:
        summaries.extend(filter(None, [stopwatch.note(event)]))
        return bool(summaries)

    await watch(events, question, console, AnswerTree(question), plain_line, ended)
    summary = summaries[0]
    style = "dim" if summary.outcome.status == "complete" else "red"
    print_plain(console, Text(summary.line(), style))
    return summary


class EventTree(Protocol):
    """What rich draws of the events so far."""

    def receive(self, event: Event) -> None: ...

    def __rich__(self) -> Tree: ...


async def watch(
    events: AsyncGenerator[Event, None],
    question: str,
    console: Console,
    tree: EventTree,
    line_of: Callable[[Event], Text | None],
    ended: Callable[[Event], bool],
) -> None:
    """Shows events as they come, until one has `ended` the question: the live tree, or lines where nobody watches."""
    live = Live(tree, console=console, refresh_per_second=REFRESHES_PER_S) if console.is_terminal else None
    if live is None:
        print_plain(console, Text(f"question   {clean(question)}"))
    else:
        live.start(refresh=True)
    try:
        async with aclosing(events):
            async for event in events:
                tree.receive(event)
                if live is None and (line := line_of(event)) is not None:
                    print_plain(console, line)
                if ended(event):
                    return
        raise AssertionError("the events of a question end with its outcome")
    finally:
        if live is not None:
            live.stop()


def print_plain(console: Console, line: Text) -> None:
    """One record, one line: a pipe has no width to wrap at."""
    console.print(line, soft_wrap=True, highlight=False)
