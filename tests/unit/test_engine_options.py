"""How answer options are matched to a server's candidates, and how its metrics are read."""

from __future__ import annotations

import math

import pytest

from alto_streams.engines.options import log_probabilities
from alto_streams.engines.server_metrics import read_metrics


def test_variants_of_one_option_are_summed() -> None:
    candidates = [(" Yes", math.log(0.3)), ("yes", math.log(0.2)), ("No", math.log(0.1))]
    assert log_probabilities(candidates, ["Yes", "No"]) == pytest.approx([math.log(0.5), math.log(0.1)])


def test_a_whole_token_beats_the_beginning_of_a_longer_option() -> None:
    candidates = [("No", math.log(0.5)), ("Not", math.log(0.25))]
    assert log_probabilities(candidates, ["No", "Not enough"]) == pytest.approx([math.log(0.5), math.log(0.25)])


def test_the_longest_beginning_stands_for_an_option_of_several_tokens() -> None:
    candidates = [("S", -0.1), ("Supp", -3.0), ("Support", -1.0), ("Ref", -2.0)]
    assert log_probabilities(candidates, ["Supported", "Refuted"]) == [-1.0, -2.0]


def test_an_option_out_of_sight_gets_the_smallest_log_probability_seen() -> None:
    assert log_probabilities([("Yes", -0.1), ("Well", -7.5)], ["Yes", "No"]) == [-0.1, -7.5]


def test_a_certain_option_has_log_probability_zero() -> None:
    assert log_probabilities([("Yes", 0.0), ("No", -9.0)], ["Yes", "No"]) == [0.0, -9.0]


def test_candidates_without_a_probability_do_not_count() -> None:
    assert log_probabilities([("Yes", -0.1), ("No", -math.inf), ("Well", -5.0)], ["Yes", "No"]) == [-0.1, -5.0]


def test_metrics_of_llama_cpp() -> None:
    text = """# TYPE llamacpp:prompt_tokens_total counter
llamacpp:prompt_tokens_total 100
llamacpp:prompt_tokens_cached_total 30
llamacpp:tokens_predicted_total 7
llamacpp:requests_processing 2
llamacpp:requests_deferred 1
"""
    assert read_metrics(text) == {"prompt_tokens": 130, "generated_tokens": 7, "running": 2, "waiting": 1}


def test_metrics_of_vllm() -> None:
    text = """vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:request_success_total{finished_reason="stop",model_name="m"} 4.0
vllm:request_success_total{finished_reason="length",model_name="m"} 5.0
vllm:generation_tokens_total{model_name="m"} 1e+03
"""
    assert read_metrics(text) == {"running": 3, "requests": 9, "generated_tokens": 1000}


def test_metrics_of_another_server_tell_nothing() -> None:
    assert read_metrics("<html>\nup 1\n") == {}
