"""What a load came to: offered and achieved, waits from the intended sending, errors, and how late the sends were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from alto_streams.pipeline import Pipeline
from perf.load.listener import NO_OUTCOME, UNFINISHED, Asked
from perf.load.waits import Waits

KEPT_SHARE = 0.8  # of the offered load: a point below is past saturation, and its waits say how long it was measured
TARGET_S = 4.0
LATE_S, LATE_SHARE = 0.05, 0.01  # when more than this share of sends is later than this, the generator is too slow
DEADLINE_EXCEEDED = "deadline_exceeded"


@dataclass(frozen=True)
class Report:
    """Of the questions that were due in the window: `seconds` from `warm_up_s` on, both from the run's begin.

    `cpu_s` is the processor time of the generator's whole process from opening to closing, `stopped` whether it was
    told to stop early, `lost` why it had to, `emulated` whether the answers were made up by the emulated engine.
    """

    pipeline: Pipeline
    asked: Sequence[Asked]
    warm_up_s: float
    seconds: float
    connections: int
    deadline_s: float
    cpu_s: float
    emulated: bool
    stopped: bool = False
    lost: str = ""

    @cached_property
    def measured(self) -> list[Asked]:
        return [asked for asked in self.asked if self._in_window(asked.due_s)]

    @cached_property
    def completed(self) -> int:
        """Questions that completed in the window, whenever they were due."""
        return sum(asked.complete and self._in_window(asked.due_s + (asked.ended_s or 0)) for asked in self.asked)

    @property
    def offered_per_s(self) -> float:
        return self._per_s(len(self.measured))

    @property
    def achieved_per_s(self) -> float:
        return self._per_s(self.completed)

    @property
    def kept(self) -> bool:
        """Whether at least 80% of the offered load was achieved."""
        return bool(self.measured) and self.completed >= KEPT_SHARE * len(self.measured)

    def goodput_per_s(self, target_s: float = TARGET_S) -> float:
        """Questions a second that were complete within `target_s` of their intended sending."""
        return self._per_s(sum(asked.complete and (asked.ended_s or 0) <= target_s for asked in self.measured))

    @property
    def errors(self) -> dict[str, int]:
        """How many questions ended otherwise than complete, by why, the most frequent first."""
        kinds = (asked.error for asked in self.measured if asked.error and asked.error != UNFINISHED)
        return dict(Counter(kinds).most_common())

    @property
    def timeouts(self) -> int:
        """Those of the errors where time ran out: at the pipeline, or here, where no outcome came at all."""
        return sum(n for why, n in self.errors.items() if why == NO_OUTCOME or why.endswith(DEADLINE_EXCEEDED))

    @property
    def unfinished(self) -> int:
        """Questions that were open when the run was stopped."""
        return sum(asked.error == UNFINISHED for asked in self.measured)

    @property
    def waits(self) -> dict[str, Waits]:
        """Seconds from the intended sending, by what was waited for, in the order in which a user sees it.

        A question that completed without an item of a type has waited for none. One that did not complete has waited
        at least until it ended.
        """
        found = {"first_item": self._waits(lambda asked: min(asked.first_s.values(), default=None))}
        for type in dict.fromkeys(type for _, type in self.pipeline.published):
            found[f"first_{type}"] = self._first(type)
        if self.pipeline.result_type:
            found["first_verdict"] = self._first(self.pipeline.result_type)
            found["last_verdict"] = self._waits(lambda asked: asked.last_output_s if asked.complete else None)
        found["outcome"] = self._waits(lambda asked: asked.ended_s if asked.complete else None)
        return found

    @property
    def late(self) -> Waits:
        """How late the sends were."""
        return Waits([asked.late_s for asked in self.measured if asked.late_s is not None])

    @property
    def too_slow(self) -> bool:
        """Whether the generator itself was late: more than 1% of the sends by more than 50 ms."""
        late = [seconds for seconds in self.late.ended if seconds > LATE_S]
        return len(late) > LATE_SHARE * len(self.late)

    @property
    def cpu_ms_per_question(self) -> float:
        sent = sum(asked.late_s is not None for asked in self.asked)
        return 1000 * self.cpu_s / sent if sent else 0.0

    def figures(self, target_s: float = TARGET_S) -> dict[str, Any]:
        """All of it as JSON has it; each wait's `at_least` names those of its figures that are lower bounds."""
        return {
            "pipeline": self.pipeline.name,
            "engine": "emulated" if self.emulated else "unknown",
            "questions": len(self.measured),
            "offered_per_s": round(self.offered_per_s, 4),
            "achieved_per_s": round(self.achieved_per_s, 4),
            "achieved_share": round(self.completed / len(self.measured), 4) if self.measured else 0.0,
            "kept": self.kept,
            "target_s": target_s,
            "goodput_per_s": round(self.goodput_per_s(target_s), 4),
            "errors": self.errors,
            "timeouts": self.timeouts,
            "unfinished": self.unfinished,
            "waits": {name: waits.figures() for name, waits in self.waits.items()},
            "late": {"too_slow": self.too_slow, **self.late.figures()},
            "generator": {
                "cpu_ms_per_question": round(self.cpu_ms_per_question, 3),
                "connections": self.connections,
            },
            "window": {"warm_up_s": self.warm_up_s, "seconds": round(self.seconds, 3)},
            "deadline_s": self.deadline_s,
            "stopped": self.stopped,
            "lost": self.lost,
        }

    def _first(self, type: str) -> Waits:
        return self._waits(lambda asked: asked.first_s.get(type))

    def _waits(self, of: Callable[[Asked], float | None]) -> Waits:
        ended, open = list[float](), list[float]()
        for asked in self.measured:
            wait = of(asked)
            if wait is not None:
                ended.append(wait)
            elif not asked.complete:
                open.append(asked.ended_s or 0.0)
        return Waits(ended, open)

    def _in_window(self, at_s: float) -> bool:
        return self.warm_up_s <= at_s <= self.warm_up_s + self.seconds

    def _per_s(self, number: int) -> float:
        return number / self.seconds if self.seconds else 0.0
