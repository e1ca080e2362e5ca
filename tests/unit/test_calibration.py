"""Features, the fitted model, and the fit."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alto_streams.settings import Settings
from schemas.verified_claim_pb2 import NOT_ENOUGH_EVIDENCE, REFUTED, SUPPORTED
from stages.calibration.collect import Collected, read
from stages.calibration.features import Passage, best_first, features
from stages.calibration.fit import calibration_error, fit, fit_engine, write
from stages.calibration.model import (
    ANY,
    DEFAULT_ENGINE,
    PARAMETERS,
    Calibration,
    Logistic,
    calibration,
    engine_name,
)
from stages.calibration.reliability import draw
from stages.opinion import Opinion

GRANITE = Passage("Granite", "Granite is an igneous rock. It formed 300 years ago in Rome.", 9.0, 0.8)
OTHER = Passage("Opera", "Opera is sung.", 1.0, 0.1)
TEXTS = st.text(max_size=80)
FINITE = st.floats(-50, 0)
PASSAGES = st.builds(Passage, TEXTS, TEXTS, st.floats(0, 100), st.floats(-1, 1))
OPINIONS = st.builds(Opinion, FINITE, st.lists(FINITE, max_size=4).map(tuple), st.lists(FINITE, max_size=4).map(tuple))


def seen(claim: str) -> dict[str, float]:
    return features(claim, [GRANITE, OTHER], Opinion())


def test_what_the_passage_lacks_shows() -> None:
    right, wrong = seen("Granite is an igneous rock."), seen("Granite is a metamorphic rock.")
    assert right["coverage"] == right["coverage_sentence"] == 1.0
    assert wrong["coverage"] < 1.0
    assert wrong["rest_missing"] > right["rest_missing"] == 0.0
    assert seen("Granite formed in Paris.")["names_missing"] > seen("Granite formed in Rome.")["names_missing"] == 0.0
    assert seen("Granite formed 200 years ago.")["numbers_missing"] == 1.0
    assert seen("Granite formed 300 years ago.")["numbers_missing"] == 0.0
    assert seen("Granite is not a rock.")["negated"] == 1.0


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
        _, score = calibration(name).verdict(found)
        assert 0 <= score <= 1


def test_verdicts() -> None:
    fitted = Calibration(Logistic(0.0, {"x": 1.0}), Logistic(0.0, {"y": 1.0}), 0.5)
    assert fitted.verdict({"x": 2.0, "y": 1.0})[0] == SUPPORTED
    assert fitted.verdict({"x": -2.0, "y": 1.0})[0] == REFUTED
    assert fitted.verdict({"x": 2.0, "y": -1.0})[0] == NOT_ENOUGH_EVIDENCE
    assert fitted.verdict({"x": 0.0, "y": 1.0})[1] == 0.5
    assert fitted.verdict({"x": -1e9, "y": 1.0})[1] == 0.0


def test_the_committed_parameters_name_only_features_that_exist() -> None:
    sets = json.loads(PARAMETERS.read_text())["engines"]
    assert {ANY, DEFAULT_ENGINE} <= sets.keys()
    for name in sets:
        fitted = calibration(name)
        assert {*fitted.supported.weights, *fitted.enough.weights} <= seen("x").keys()
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


def test_a_fit_recovers_a_rule_that_separates() -> None:
    chance = random.Random(0)
    rows = [{"x": chance.gauss(0, 1), "noise": chance.gauss(0, 1)} for _ in range(300)]
    labels = np.array([row["x"] > 0.2 for row in rows])
    fitted = fit(rows, labels, ["x", "noise"])
    figures = fitted.figures(labels)
    assert figures["accuracy"] > 0.93
    assert figures["auc"] > 0.98
    assert fitted.weights["x"] > 5 * abs(fitted.weights["noise"])
    plain = Logistic(fitted.bias, fitted.weights)
    right = sum((plain.probability(row) > 0.5) == label for row, label in zip(rows, labels, strict=True))
    assert right > 0.93 * len(rows)


def test_a_fit_to_noise_is_worth_nothing_when_cross_validated() -> None:
    chance = random.Random(1)
    rows = [{"x": chance.gauss(0, 1)} for _ in range(300)]
    labels = np.array([chance.random() < 0.5 for _ in rows])
    assert fit(rows, labels, ["x"]).figures(labels)["auc"] < 0.6


def test_collected_claims_become_parameters_that_load(tmp_path: Path) -> None:
    chance = random.Random(2)
    claims = []
    for number in range(120):
        true = number % 2 == 0
        margin = chance.gauss(3 if true else -3, 1)
        passages = (Passage(f"Granite{number}", f"Granite{number} is a rock.", 9.0, 0.9), OTHER)
        text = f"Granite{number} is a rock."
        claims.append(
            Collected(str(number), text, true, (f"Granite{number}",), ("rock",), passages, Opinion(margin, (), ()))
        )
    parameters, supported, enough = fit_engine(claims, without=())
    assert supported.figures(np.array([one.label for one in claims]))["accuracy"] > 0.9
    assert enough.held_out.shape[1] == 2 * len(claims)
    write(tmp_path / "parameters.json", "my-engine", parameters)
    write(tmp_path / "parameters.json", ANY, parameters)
    fitted = calibration("My-Engine-7b", tmp_path / "parameters.json")
    for one in claims[:4]:
        verdict, _ = fitted.verdict(features(one.claim, best_first(one.claim, one.passages), one.opinion))
        assert verdict == (SUPPORTED if one.label else REFUTED)
    without = features(claims[0].claim, [OTHER], Opinion())
    assert fitted.verdict(without)[0] == NOT_ENOUGH_EVIDENCE


def test_calibration_error_by_hand() -> None:
    labels = np.array([True, True, False, False])
    assert calibration_error(np.array([1.0, 1.0, 0.0, 0.0]), labels) == 0.0
    assert calibration_error(np.array([0.95, 0.95, 0.95, 0.95]), labels) == pytest.approx(0.45)


def test_kept_results_are_read_again_and_a_torn_line_is_left_out(tmp_path: Path) -> None:
    from dataclasses import asdict

    one = Collected(
        "7", "Granite is a rock.", True, ("Granite",), ("granite rock",), (GRANITE,), Opinion(1.0, (-1.0,), (0.5,))
    )
    kept = tmp_path / "kept.jsonl"
    kept.write_text(json.dumps(asdict(one)) + "\n" + json.dumps(asdict(one))[:40])
    assert read(kept) == {"7": one}
    assert read(tmp_path / "absent.jsonl") == {}


def test_the_curve_is_well_formed() -> None:
    from xml.etree import ElementTree

    picture = ElementTree.fromstring(draw([0.1, 0.4, 0.9, 1.0], [False, True, True, True], "a < b"))
    assert len(picture.findall("{http://www.w3.org/2000/svg}circle")) == 3
