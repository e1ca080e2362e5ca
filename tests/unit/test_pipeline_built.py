"""A pipeline built from pipeline.yaml is the one that printed it; what cannot be one is told by line and column."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alto_streams import operators
from alto_streams.context import Context
from alto_streams.deployment import build_pipeline, pipeline_yaml
from alto_streams.deployment.code import written
from alto_streams.deployment.imports import code
from alto_streams.deployment.marked_yaml import compose
from alto_streams.engines.protocol import Message, Prompt
from alto_streams.errors import PipelineError
from alto_streams.operators import Any as AnyOf
from alto_streams.operators import Collect, Count, GroupBy, Into, Max, Reduce, TopK, Vote
from alto_streams.pipeline import Pipeline, join, load
from alto_streams.testing import run
from examples.pipelines import rag
from examples.pipelines.messages_pb2 import Citation, Told
from examples.pipelines.scripted import Scripted
from schemas.claim_pb2 import Claim
from schemas.hits_pb2 import Hits
from schemas.query_pb2 import Query
from schemas.query_token_pb2 import QueryToken
from schemas.question_pb2 import Question
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import VerifiedClaim
from stages.rerank import Rerank
from tests.pipelines import small as small_stages
from tests.pipelines.equal import equal_plans, same
from tests.pipelines.small import pipeline as small

EXAMPLES = sorted(
    path.stem for path in Path(rag.__file__).parent.glob("*.py") if "\npipeline = p = Pipeline(" in path.read_text()
)
# Made anew: another test may have opened the resources of the one that all share.
FACTOOL: Pipeline = run_path(str(Path(__file__).parents[2] / "stages/graph.py"), run_name="stages.graph")["pipeline"]
PIPELINES = {"factool": FACTOOL, "small": small, **{n: load(f"examples.pipelines.{n}:pipeline") for n in EXAMPLES}}
RAG = Path(rag.__file__).with_suffix(".yaml")


@pytest.mark.parametrize("name", PIPELINES)
def test_what_is_printed_is_built_equal(name: str) -> None:
    pipeline = PIPELINES[name]
    built = build_pipeline(pipeline_yaml(pipeline), "p.yaml")
    assert built is not pipeline
    assert equal_plans(built, pipeline)
    assert pipeline_yaml(built) == pipeline_yaml(pipeline)


async def pair(sentence: Sentence, citation: Citation | None, ctx: Context) -> Citation:
    return citation or Citation(text=sentence.text)


def test_a_left_join_is_built_as_one() -> None:
    pipeline = Pipeline("left", source=Question)
    sentences = pipeline.source.expand(small_stages.answer, "sentence")
    kept = sentences.map(cite_some)
    pipeline.output(join(sentences, kept, how="left").map(pair), "citation", conclude=rag.conclude)
    printed = pipeline_yaml(pipeline)
    assert "join: left" in printed
    assert equal_plans(build_pipeline(printed, "p.yaml"), pipeline)
    inner = printed.replace("    join: left\n", "").replace(":pair", ":pair_of_both")
    assert not any(port.optional for port in build_pipeline(inner, "p.yaml").plan.stage("pair").ports)


def test_cuts_of_cuts_are_built_at_every_level() -> None:
    pipeline = Pipeline("cuts", source=Question)
    claims = pipeline.source.expand(small_stages.answer, "sentence").expand(small_stages.extract_claims, "claim")
    paragraphs = claims.expand(small_stages.generate_queries, "paragraph", cut="paragraphs", item=Query)
    words = paragraphs.cut("line", at="line", item=Query).cut("word", at="word", item=QueryToken)
    lengths = words.aggregate(Into(Collect(), hits_of), over=("paragraph", "line", "word"))
    pipeline.output(join(claims, lengths).map(told), "verified_claim", conclude=small_stages.conclude)
    printed = pipeline_yaml(pipeline)
    assert "stream: generate_queries.line.word" in printed
    assert equal_plans(build_pipeline(printed, "p.yaml"), pipeline)


async def told(claim: Claim, hits: Hits, ctx: Context) -> VerifiedClaim:
    return VerifiedClaim(claim=f"{claim.text} {hits.query}")


def hits_of(tokens: list[QueryToken]) -> Hits:
    return Hits(query=" ".join(token.text for token in tokens))


async def cite_some(sentence: Sentence, ctx: Context) -> Citation | None:
    return None


async def pair_of_both(sentence: Sentence, citation: Citation, ctx: Context) -> Citation:
    return citation


def test_there_are_examples() -> None:
    assert {"rag", "best_of_n", "writer", "three_streams", "multi_hop", "peers"} <= set(EXAMPLES)


def test_a_file_by_hand_gives_the_same_plan_and_the_same_answers() -> None:
    built = load(str(RAG))
    assert equal_plans(built, rag.pipeline)
    questions = {"q": Question(text="Where does the Danube begin and end?")}
    engine = Scripted(rag.say, rag.judge)
    found = run(built, questions, pool=engine)
    assert found.outcomes == run(rag.pipeline, questions, pool=engine).outcomes
    told = found.outcomes["q"]
    assert isinstance(told, Told)
    assert told.lines


def test_stages_may_stand_in_any_order() -> None:
    said = yaml.safe_load(RAG.read_text())
    said["stages"] = dict(reversed(said["stages"].items()))
    plan = build_pipeline(yaml.safe_dump(said, sort_keys=False), "p.yaml").plan
    assert {s.name: s.key_depth for s in plan.stages} == {s.name: s.key_depth for s in rag.pipeline.plan.stages}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("k: 2", "k: 3"),
        ("key: score", "key: title"),
        ("lm: [write, supports]", "lm: [write]"),
    ],
)
def test_another_file_is_another_plan(old: str, new: str) -> None:
    text = RAG.read_text()
    assert text.count(old) == 1
    assert not equal_plans(build_pipeline(text.replace(old, new), "p.yaml"), rag.pipeline)


def read_back(found: Any) -> Any:
    """Through YAML, as a file has it."""
    return code(compose(yaml.safe_dump(written(found, "Stage 'x'", (__name__,))), "p.yaml"), "x")


def label(claim: Claim) -> str:
    return claim.text


keys = st.sampled_from([None, "text", "a.b", label, len])
needed = st.sampled_from(["text", label, len])
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())
values = st.recursive(plain, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=4), of, max_size=3))
simple = st.one_of(
    st.builds(TopK, st.integers(1, 9), keys),
    st.builds(Vote, keys, of=st.none() | st.integers(1, 9), default=st.none() | st.text()),
    st.builds(Count, keys),
    st.builds(AnyOf, needed),
    st.builds(operators.All, needed),
    st.builds(Max, keys, default=plain),
    st.builds(operators.Min, keys),
    st.builds(operators.Sum, keys),
    st.builds(operators.Mean, keys),
    st.builds(operators.First, default=plain),
    st.builds(Collect),
    st.builds(Reduce, st.just(max), values, merge=st.sampled_from([None, max]), any_order=st.booleans()),
)
nested = st.recursive(
    simple,
    lambda of: st.builds(Into, of, st.sampled_from([label, len, Claim])) | st.builds(GroupBy, needed, of),
    max_leaves=3,
)


@given(nested)
def test_an_operator_is_read_back_as_it_was_made(operator: Any) -> None:
    back = read_back(operator)
    assert back is not operator
    assert same(back, operator)


def test_every_operator_is_among_them() -> None:
    wanted = {name for name in operators.__all__ if hasattr(getattr(operators, name), "initial")}
    some = {"TopK", "Vote", "Count", "Any", "All", "Max", "Min", "Sum", "Mean", "First", "Collect", "Reduce"}
    assert wanted - {"Operator", "Mergeable", "Early", "Deciding"} == {*some, "Into", "GroupBy"}


def test_another_parameter_is_another_operator() -> None:
    assert not same(read_back(TopK(2)), TopK(3))
    assert not same(read_back(TopK(2, "text")), TopK(2, "title"))
    assert not same(read_back(Into(Count(), label)), Into(Count(), len))


def test_a_stage_with_parameters_is_made_with_them() -> None:
    assert vars(read_back(Rerank(depth=7))) == vars(Rerank(depth=7))


PROMPT = Prompt("named", (Message("system", "Be brief."),))


class Silent:
    """Does not keep what it is made with."""

    def __init__(self, words: int) -> None:
        pass


def outer() -> Callable[[Claim], str]:
    def inner(claim: Claim) -> str:
        return claim.text

    return inner


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (lambda claim: claim, r"Stage 'x' is a lambda (line "),
        (outer(), "Stage 'x' is function 'outer.<locals>.inner' (line "),
        (TopK(2, key=lambda claim: 1), "'key' of stage 'x' is a lambda (line "),
        (Into(Vote(outer()), label), "'key' of 'operator' of stage 'x' is function 'outer.<locals>.inner'"),
        (functools.partial(label), "Stage 'x' is a partial, which does not say what it was made with"),
        (Silent(3), "Stage 'x' is a Silent, which does not say what its 'words' is"),
        (Reduce(max, (1, 2)), "'initial' of stage 'x' is a tuple, which no file can hold"),
        (Collect().add, "Stage 'x' is a method"),
    ],
)
def test_what_has_no_import_path_is_refused_with_the_stage(found: Any, said: str) -> None:
    with pytest.raises(PipelineError) as raised:
        written(found, "Stage 'x'")
    assert said in raised.value.message
    assert raised.value.mend


def test_a_lambda_in_a_graph_is_refused_with_its_stage() -> None:
    def letters(question: Question, ctx: Context) -> AsyncIterator[Citation]: ...

    pipeline = Pipeline("p", source=Question)
    pipeline.output(pipeline.source.expand(letters, "letter", name="spell"), "x", conclude=rag.conclude)
    with pytest.raises(PipelineError, match=r"Stage 'spell' is function '.*letters' .*Mend: write it as a "):
        pipeline_yaml(pipeline)


def test_an_object_with_a_name_in_its_module_is_named() -> None:
    assert written(PROMPT, "The prompt", (__name__,)) == f"{__name__}:PROMPT"
    assert read_back(PROMPT) is PROMPT
