"""The benchmark of the core run tiny: its result has the promised shape. No timing is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from alto_streams.record import Kind, decode_record, encode_header
from perf.core.records import firsts, tokens

ROOT = Path(__file__).parents[2]
PARTS = {"encode", "decode", "partition", "update", "sum"}
SPREAD = {"median", "min", "q1", "q3", "max"}


def test_the_result_names_every_part_and_how_it_was_measured(tmp_path: Path) -> None:
    output = tmp_path / "core.json"
    argv = [sys.executable, "-m", "perf.core", "--rounds", "2", "--scopes", "3", "--output", str(output)]
    subprocess.run(argv, check=True, cwd=ROOT, capture_output=True, timeout=60)
    result = json.loads(output.read_text())
    assert {"command", "date", "machine", "versions", "measured"} < set(result)
    assert result["measured"]["records"] == len(tokens(3))
    assert set(result["ratio_to_dict"]) == PARTS
    assert set(result["us_per_record"]) == PARTS | {"dict"}
    assert set(result["us_per_first_record"]) == PARTS
    for figure in (*result["us_per_record"].values(), *result["us_per_first_record"].values()):
        assert set(figure) >= SPREAD
        assert 0 < figure["min"] <= figure["median"] <= figure["max"]
    assert set(result["us_per_record"]["sum"]) == SPREAD | {"bar", "met"}
    assert sum(result["header_spent"].values()) == result["header_bytes"]["max"]
    assert result["header_bytes"]["met"]


def test_the_records_are_whole_scopes_of_tokens_four_levels_deep() -> None:
    records = tokens(50)
    lasts = [record for record in records if record.kind is Kind.LAST]
    assert len(records) == sum(last.ancestry.position + 1 for last in lasts)
    assert len(firsts(records)) == len(lasts) == 50
    assert {len(word.ancestry.path) for word in records} == {4}
    assert len({word.ancestry.key(4) for word in records}) == len(records)
    assert {word.ancestry.cut(3) for word in records} == {last.ancestry.cut(3) for last in lasts}
    assert all(decode_record(encode_header(record), record.value) == record for record in records)
