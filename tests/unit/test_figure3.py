"""What is read off the curves of figure 3: loads at the target, waits at low load, and what is only a bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perf.figure3.picture import draw, joined
from perf.figure3.ratios import carried, ratios, shorter
from perf.figure3.shapes import SHAPES
from perf.figure3.virtual import virtual_point


def at(load: float, wait: float, kept: bool = True) -> dict[str, Any]:
    waits = {"p50_s": wait / 2, "p99_s": wait}
    return {"achieved_per_s": load, "kept": kept, "waits": {"outcome": waits, "first_verdict": waits}}


STREAMING = [at(1, 1), at(4, 3), at(8, 5), at(9, 1, kept=False)]
WHOLE = [at(1, 3), at(3, 5)]


def test_the_load_at_the_target_lies_between_two_points() -> None:
    assert carried({"streaming": STREAMING, "whole": WHOLE}, "outcome", "p99_s") == {
        "streaming_per_s": 6.0,
        "whole_per_s": 2.0,
        "ratio": 3.0,
    }


@pytest.mark.parametrize(
    ("streaming", "whole", "bound"),
    [
        ([at(8, 3)], WHOLE, "at least"),
        (STREAMING, [at(1, 5)], "at least"),
        (STREAMING, [at(1, 3)], "unknown"),
        ([at(1, 5)], WHOLE, "unknown"),
    ],
)
def test_a_target_outside_the_points_gives_a_bound(streaming: Any, whole: Any, bound: str) -> None:
    assert carried({"streaming": streaming, "whole": whole}, "outcome", "p99_s")["bound"] == bound


def test_a_round_that_tells_no_ratio_is_not_in_the_median() -> None:
    told, untold = {"streaming": STREAMING, "whole": WHOLE}, {"streaming": STREAMING, "whole": [at(1, 3)]}
    assert ratios([told, untold, untold])["outcome_p99_load_at_4s"]["median"] == 3.0
    assert "median" not in ratios([untold])["outcome_p99_load_at_4s"]


def test_points_that_were_not_kept_do_not_count() -> None:
    assert joined([STREAMING], "outcome", "p99_s")[0] == [1, 4, 8]


def test_rounds_are_compared_one_by_one() -> None:
    curves = {"streaming": STREAMING, "whole": WHOLE}
    assert shorter(curves, "outcome", "p99_s") == 3.0
    other = {"streaming": [at(1, 2), *STREAMING[1:]], "whole": WHOLE}
    assert ratios([curves, other, curves])["outcome_p99_at_low_load"]["median"] == 3.0
    assert ratios([curves, other, other])["outcome_p99_at_low_load"]["median"] == 1.5


@pytest.mark.parametrize("shape", SHAPES)
def test_in_virtual_time_streaming_is_sooner_with_the_emulated_engine(shape: str, tmp_path: Path) -> None:
    questions = [f"Which river flows through town {n}?" for n in range(12)]
    virtual = {
        mode: [virtual_point(shape, mode == "streaming", questions, 0.5, 24, 1)] for mode in ("streaming", "whole")
    }
    assert shorter(virtual, "first_verdict", "p50_s") > 1.1
    draw(shape, [virtual], virtual, tmp_path / "figure.svg")
    assert "emulated" in (tmp_path / "figure.svg").read_text()
