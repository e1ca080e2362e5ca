"""Takes out one mechanism at a time, and writes into docs/correctness.md which seeds notice and what they show.

python tests/simulation/table.py [--seeds 200] [--shrink 60]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mechanisms import MECHANISMS, Mechanism

from alto_streams.testing import SimulationError
from alto_streams.testing.shrink import Histories
from alto_streams.testing.simulation import simulate_one

PAGE = Path(__file__).parents[2] / "docs" / "correctness.md"
BEGIN, END = "<!-- table of mechanisms: begin -->", "<!-- table of mechanisms: end -->"
HEAD = (
    "| mechanism taken out | invariant | first seed | seeds that notice | what the first one shows "
    "| its history | least schedule |\n|---|---|---|---|---|---|---|\n"
)


@dataclass(frozen=True)
class Noticed:
    """What the seeds make of one missing mechanism."""

    caught: int
    first: SimulationError | None


def notice(mechanism: Mechanism, seeds: int, shrink_s: float) -> Noticed:
    caught, first = 0, None
    with pytest.MonkeyPatch.context() as patch:
        mechanism.remove(patch)
        histories = Histories(mechanism.case)
        for seed in range(seeds):
            try:
                simulate_one(histories, seed, shrink_s=0 if first else shrink_s)
            except SimulationError as error:
                first, caught = first or error, caught + 1
    return Noticed(caught, first)


def row(mechanism: Mechanism, found: Noticed, seeds: int) -> str:
    error = found.first
    if error is None:
        return f"| {mechanism.name} | {mechanism.invariants} | | 0 of {seeds} | | | |\n"
    shown, least = _shown(error.problem), ""
    if error.shrunk is not None:
        faults = ", ".join(fault.action for fault in error.schedule.faults) or "no fault"
        short = " (cut short)" if error.shrunk.cut_short else ""
        least = f"{error.schedule.decisions} decisions: {faults}; {len(error.shrunk.steps)} steps{short}"
    cells = (mechanism.name, mechanism.invariants, error.seed, f"{found.caught} of {seeds}", shown,
             f"{error.original} events", least)  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |\n"


def _shown(problem: str) -> str:
    """The kind of problem, without the names and numbers of one history."""
    said = problem.split(": ", 1)[1].split(". Still open", 1)[0]
    for pattern, text in (
        (r"Questions \[.*\] have not ended", "questions do not end"),
        (r"ended twice", "a question ends twice"),
        (r"mixes runs, or misses items", "an outcome mixes runs, or misses items"),
        (r"of two queries", "a join pairs records of two runs"),
        (r"in two partitions", "a scope reaches two partitions"),
        (r"has constraint", "an edge is constrained that must not be, or the reverse"),
        (r"came again", "what is done comes again"),
        (r"scope in part", "a scope is held in part"),
        (r"too large for the broker", "a commit is too large for the broker"),
        (r"is committed", "a commit is wrong"),
        (r"still holds", "an instance still holds something"),
    ):
        if re.search(pattern, said):
            return text
    return said[:80]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200, help="of each mechanism (default: 200)")
    parser.add_argument("--shrink", type=float, default=60.0, help="seconds for one history (default: 60)")
    given = parser.parse_args()
    rows = []
    for mechanism in MECHANISMS:
        rows.append(row(mechanism, notice(mechanism, given.seeds, given.shrink), given.seeds))
        print(rows[-1], end="", file=sys.stderr, flush=True)
    commit = subprocess.run(["git", "describe", "--always"], capture_output=True, text=True, cwd=PAGE.parent).stdout
    command = f"python tests/simulation/table.py --seeds {given.seeds} --shrink {given.shrink:g}"
    made = f"Made by `{command}` at {commit.strip() or 'no commit'}.\n"
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{HEAD}{''.join(rows)}\n{made}{END}{after}")


if __name__ == "__main__":
    main()
