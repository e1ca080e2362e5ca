"""In place of a stage instance's way to Kafka: takes effects, and each is delivered when the test says so."""

from __future__ import annotations

from typing import Any

from alto_streams.effects import DeadLetter, Publish, Send
from alto_streams.record import Kind
from alto_streams.runtime.settlement import Settlement


class Outbox:
    """`instant` delivers at once."""

    def __init__(self, instant: bool = False) -> None:
        self.taken: list[Send | Publish | DeadLetter] = []
        self.repeated: list[tuple[str, Any, Any]] = []
        self.open: list[Settlement] = []
        self.instant, self.refuses, self.crowded = instant, False, False

    def knows(self, epoch: int) -> bool:
        return True

    def post(self, effect: Send | Publish | DeadLetter, settlement: Settlement) -> None:
        if self.refuses:
            raise OSError("no table")
        self.taken.append(effect)
        self._send(settlement)

    def again(self, stage: str, message: Any, headers: Any, settlement: Settlement) -> None:
        self.repeated.append((stage, message, headers))
        self._send(settlement)

    def dead_letter(self, *arguments: Any) -> None:
        self._send(arguments[-1])

    def _send(self, settlement: Settlement) -> None:
        settlement.expect()
        self.open.append(settlement)
        if self.instant:
            self.deliver()

    def deliver(self, error: Exception | None = None) -> None:
        """What is under way, the first of it with an error where there is one."""
        while self.open:
            self.open.pop(0).delivered(error)
            error = None

    def kinds(self) -> list[Kind]:
        return [effect.record.kind for effect in self.taken if isinstance(effect, Send)]
