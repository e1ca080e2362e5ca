"""What leaves a pipeline, or never does: refused when it is built."""

from __future__ import annotations

from alto_streams.pipeline import join
from tests.unit.faulty import Query, Sum, ask, compare, conclude, good, judge, refused, search, start, write


@refused("'p' has two outputs", "call output once")
def test_two_outputs() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=conclude)
    return pipeline.output(claims, "claim", conclude=conclude)


@refused("'answer + judge' of pipeline 'p' is what a stage reads", "items of a map")
def test_an_output_of_a_join() -> object:
    pipeline, claims = start()
    return pipeline.output(join(claims, claims.map(judge)), "claim", conclude=conclude)


@refused("'write.token' of pipeline 'p' is what a stage reads", "items of a map")
def test_a_cut_that_is_published() -> object:
    pipeline, claims = start()
    return pipeline.publish(
        claims.expand(write, "query", cut="lines", item=Query).cut("token", at="words", item=Query), "token"
    )


@refused("'source' of pipeline 'p' is what a stage reads", "items of a map")
def test_the_source_is_published() -> object:
    pipeline, _ = start()
    return pipeline.publish(pipeline.source, "question")


@refused("'answer' belongs to pipeline 'other'", "this pipeline")
def test_a_stream_of_another_pipeline_is_published() -> object:
    return start()[0].publish(start("other")[1], "claim")


@refused("'p' has no output", "pipeline.output(...)")
def test_no_output() -> object:
    return start()[0].plan


@refused("'p' cannot say that a question failed", "conclude(question_id")
def test_a_conclude_that_knows_no_failure() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=lambda question, items: b"")
    return pipeline.plan


@refused("'p' is no message: conclude gave list", "Protobuf")
def test_a_conclude_that_makes_no_message() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=lambda question, items, failure: items)
    return pipeline.plan


@refused("Nobody reads stage 'ask'", "read its stream")
def test_a_stage_that_nobody_reads() -> object:
    pipeline, claims = start()
    claims.expand(ask, "query")
    pipeline.output(claims.map(judge), "claim", conclude=conclude)
    return pipeline.plan


def test_the_same_graph_without_the_fault_is_accepted() -> None:
    pipeline, claims = start()
    queries = claims.filter(good).expand(ask, "query").map(search).aggregate(Sum())
    pipeline.output(join(claims, queries).map(compare), "claim", conclude=conclude)
    assert [stage.name for stage in pipeline.plan.stages] == [
        "answer", "good", "ask", "search", "compare", "coordinator"
    ]  # fmt: skip
