"""Features, the fitted model, and the fit."""

from __future__ import annotations

import json
import math
import random
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alto_streams.settings import Settings
from schemas.verified_claim_pb2 import NOT_ENOUGH_EVIDENCE, REFUTED, SUPPORTED
from stages.calibration.collect import Collected, read
from stages.calibration.features import Passage, best_first, features
from stages.calibration.fit import fit_engine, main, three_way, write
from stages.calibration.model import (
    ANY,
    DEFAULT_ENGINE,
    GATE,
    PARAMETERS,
    SURE,
    Calibration,
    Logistic,
    calibration,
    engine_name,
    verdict,
)
from stages.calibration.reliability import draw
from stages.calibration.train import Examples, calibration_error, figures, held_out
from stages.opinion import Opinion

GRANITE = Passage("Granite", "Granite is an igneous rock. It formed 300 years ago in Rome.", 9.0, 0.8, 0.6)
OTHER = Passage("Opera", "Opera is sung.", 1.0, 0.1)
TEXTS = st.text(max_size=80)
PASSAGES = st.builds(Passage, TEXTS, TEXTS, st.floats(0, 100), st.floats(-1, 1), st.floats(-1, 1))
OPINIONS = st.builds(Opinion, st.floats(-50, 50))


def seen(claim: str) -> dict[str, float]:
    return features(claim, [GRANITE, OTHER], Opinion())


def test_what_the_passage_lacks_shows() -> None:
    right, wrong = seen("Granite is an igneous rock."), seen("Granite is a metamorphic rock.")
    assert right["coverage"] == 1.0
    assert wrong["coverage"] < 1.0
    assert seen("Granite formed in Paris.")["names_missing"] > seen("Granite formed in Rome.")["names_missing"] == 0.0
    assert seen("Granite formed 200 years ago.")["numbers_missing"] == 1.0
    assert seen("Granite formed 300 years ago.")["numbers_missing"] == 0.0
    assert seen("Granite is not a rock.")["negated"] == 1.0
    assert seen("Granite is a rock.")["is_a"] == seen("Granite is a rock.")["subject"] == 1.0
    assert seen("Rome has a rock.")["is_a"] == seen("Rome has a rock.")["subject"] == 0.0
    assert seen("Granite is a rock.")["weakest"] == 0.6


def test_the_passage_about_the_claim_comes_first() -> None:
    assert best_first("Granite is a rock.", [OTHER, GRANITE]) == [GRANITE, OTHER]


@given(TEXTS, st.lists(PASSAGES, max_size=4), OPINIONS)
def test_features_are_finite_and_few_whatever_the_text(claim: str, passages: list[Passage], held: Opinion) -> None:
    ordered = best_first(claim, passages)
    assert sorted(ordered, key=repr) == sorted(passages, key=repr)
    found = features(claim, ordered, held)
    assert found.keys() == seen("x").keys()
    assert all(math.isfinite(value) for value in found.values())
    for name in (ANY, DEFAULT_ENGINE):
        assert 0 <= calibration(name).probability(found) <= 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_verdicts_follow_the_probability(one: float, other: float) -> None:
    order = [REFUTED, NOT_ENOUGH_EVIDENCE, SUPPORTED]
    low, high = sorted((one, other))
    assert order.index(verdict(low)) <= order.index(verdict(high))
    assert verdict(SURE) == SUPPORTED
    assert verdict(1 - SURE) == REFUTED
    assert verdict(0.5) == NOT_ENOUGH_EVIDENCE


def test_without_evidence_nothing_else_counts() -> None:
    fitted = Calibration(Logistic(0.1, {GATE: 1.0, "x": 8.0}), Logistic(0.0, {"y": 50.0}))
    assert fitted.probability({"x": 1.0, "y": 1.0}) > 0.99
    assert fitted.probability({"x": -1.0, "y": 1.0}) < 0.01
    unknown = [fitted.probability({"x": x, "y": -1.0}) for x in (-1.0, 1.0)]
    assert unknown == pytest.approx([1 / (1 + math.exp(-0.1))] * 2)


def test_probabilities_do_not_overflow() -> None:
    fitted = Calibration(Logistic(0.0, {"x": 1.0}), Logistic(100.0, {}))
    assert [fitted.probability({"x": x}) for x in (-1e9, 0.0, 1e9)] == [0.0, 0.5, 1.0]


def test_the_committed_parameters_name_only_features_that_exist() -> None:
    sets = json.loads(PARAMETERS.read_text())["engines"]
    assert {ANY, DEFAULT_ENGINE} <= sets.keys()
    for name in sets:
        fitted = calibration(name)
        assert {*fitted.supported.weights, *fitted.enough.weights} <= {GATE, *seen("x")}
    assert not calibration("a-model-that-nobody-fitted").asks_engine


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, DEFAULT_ENGINE),
        ({"model": Path("/models/Qwen2.5-Coder-1.5B-Instruct-Q4_K_M.gguf")}, "qwen2.5-coder-1.5b-instruct-q4_k_m"),
        ({"engine_url": "http://host", "engine_model": "Qwen/Big"}, "qwen/big"),
        ({"engine_url": "http://host"}, ANY),
    ],
)
def test_the_engines_name(changed: dict[str, object], name: str) -> None:
    assert engine_name(Settings(**{"model": None, "engine_url": "", "engine_model": "default", **changed})) == name


def examples(labels: list[bool], xs: list[float]) -> Examples:
    """Claims of which `late_interaction` tells whether there is evidence and `margin`, then, whether they are true."""
    plain = seen("Granite is a rock.")
    return Examples(
        np.array(labels),
        [{**plain, "late_interaction": 0.9, "margin": x} for x in xs],
        [{**plain, "late_interaction": 0.1, "margin": 0.0} for _ in xs],
        np.array([True] * len(xs)),
    )


def test_a_fit_recovers_a_rule_that_separates() -> None:
    chance = random.Random(0)
    xs = [chance.gauss(0, 1) for _ in range(150)]
    known = examples([x > 0.2 for x in xs], xs)
    found = figures(held_out(known, repeats=1), known.labels)
    assert found["accuracy"] > 0.93
    assert found["auc"] > 0.98


def test_a_fit_to_noise_is_worth_nothing_when_cross_validated() -> None:
    chance = random.Random(1)
    known = examples([chance.random() < 0.5 for _ in range(150)], [chance.gauss(0, 1) for _ in range(150)])
    assert figures(held_out(known, repeats=1), known.labels)["auc"] < 0.65


def collected(number: int, label: bool, margin: float) -> Collected:
    passages = (Passage(f"Granite{number}", f"Granite{number} is a rock.", 9.0, 0.9, 0.8), OTHER)
    text = f"Granite{number} is a rock."
    return Collected(str(number), text, label, (f"Granite{number}",), ("rock",), passages, Opinion(margin))


@pytest.fixture(scope="module")
def claims() -> list[Collected]:
    chance = random.Random(2)
    return [collected(n, n % 2 == 0, chance.gauss(3 if n % 2 == 0 else -3, 1)) for n in range(80)]


def test_collected_claims_become_parameters_that_load(claims: list[Collected], tmp_path: Path) -> None:
    parameters, probabilities = fit_engine(claims, without=())
    labels = [one.label for one in claims]
    assert parameters["cross_validation"]["accuracy"] > 0.9
    counts = three_way(labels, probabilities[0].tolist())
    assert sum(sum(row.values()) for row in counts.values()) == len(claims)
    assert counts[True]["supported"] > 30 < counts[False]["refuted"]
    write(tmp_path / "parameters.json", "my-engine", parameters)
    write(tmp_path / "parameters.json", ANY, parameters)
    fitted = calibration("My-Engine-7b", tmp_path / "parameters.json")
    for one in claims[:4]:
        found = fitted.probability(features(one.claim, best_first(one.claim, one.passages), one.opinion))
        assert verdict(found) == (SUPPORTED if one.label else REFUTED)
        unread = features(one.claim, one.without_gold(), one.opinion)
        assert verdict(fitted.probability(unread)) == NOT_ENOUGH_EVIDENCE


def test_the_command_fits_to_what_is_kept(
    claims: list[Collected], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [asdict(one) for one in claims]
    (tmp_path / "claims.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "kept.jsonl").write_text("\n".join(json.dumps(row) for row in rows[:60]))
    paths = {"claims": "claims.jsonl", "kept": "kept.jsonl", "parameters": "parameters.json", "curve": "images"}
    main([text for name, path in paths.items() for text in (f"--{name}", str(tmp_path / path))] + ["--kept-only"])
    [(name, found)] = json.loads((tmp_path / "parameters.json").read_text())["engines"].items()
    assert (name, found["claims"]) == (DEFAULT_ENGINE, 60)
    assert (tmp_path / "images" / f"reliability-{DEFAULT_ENGINE}.svg").read_text().startswith("<svg")
    assert "label True" in capsys.readouterr().out


def test_calibration_error_by_hand() -> None:
    labels = np.array([True, True, False, False])
    assert calibration_error(np.array([1.0, 1.0, 0.0, 0.0]), labels) == 0.0
    assert calibration_error(np.array([0.95, 0.95, 0.95, 0.95]), labels) == pytest.approx(0.45)


def test_kept_results_are_read_again_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    one = collected(7, True, 1.0)
    kept = tmp_path / "kept.jsonl"
    kept.write_text(json.dumps(asdict(one)) + "\n" + json.dumps(asdict(one))[:40])
    assert read(kept) == {"7": one}
    assert read(tmp_path / "absent.jsonl") == {}


def test_the_curve_is_well_formed() -> None:
    from xml.etree import ElementTree

    picture = ElementTree.fromstring(draw([0.1, 0.4, 0.9, 1.0], [False, True, True, True], "a < b"))
    assert len(picture.findall("{http://www.w3.org/2000/svg}circle")) == 3
