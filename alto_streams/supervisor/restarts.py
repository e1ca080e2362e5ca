"""When a process that died is started again, and when that is given up."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Restarts:
    """The deaths of one process; times are seconds on any clock that never goes back.

    A process that has never been ready is given up sooner: what stops it is most likely a setting, and who waits for
    the stack should read why after `tries`.
    """

    limit: int = 5
    tries: int = 2
    window_s: float = 60.0
    first_delay_s: float = 0.25
    longest_delay_s: float = 8.0
    deaths: list[float] = field(default_factory=list)

    def died(self, now: float, *, ever_ready: bool) -> float | None:
        """Seconds to wait before the next start, or None to give up.

        >>> restarts = Restarts(limit=3)
        >>> [restarts.died(t, ever_ready=True) for t in (0.0, 1.0, 2.0)]
        [0.25, 0.5, None]
        """
        self.deaths = [death for death in self.deaths if now - death < self.window_s] + [now]
        count = len(self.deaths)
        if count >= (self.limit if ever_ready else self.tries):
            return None
        return float(min(self.longest_delay_s, self.first_delay_s * 2 ** (count - 1)))
