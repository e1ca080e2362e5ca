"""Names that are missing, taken or unknown: refused when the pipeline is built, or loaded."""

from __future__ import annotations

from alto_streams.pipeline import Pipeline, join, load
from tests.unit.faulty import Sum, ask, both, conclude, judge, refused, search, start


@refused("'judge' uses pool 'gpu'", 'uses="lm"')
def test_an_unknown_pool() -> object:
    return start()[1].map(judge, uses="gpu")


@refused("called 'judge'", "name=...")
def test_two_stages_of_one_name() -> object:
    claims = start()[1]
    return claims.map(judge), claims.map(judge)


@refused("'sum': 'sum of ask' and 'sum of ask_again'", "name=...")
def test_an_operator_that_is_deployed_twice() -> object:
    pipeline, claims = start()
    one, two = claims.expand(ask, "query"), claims.expand(ask, "query", name="ask_again")
    pipeline.publish(one.aggregate(Sum()), "one")
    pipeline.publish(two.aggregate(Sum()), "two")
    pipeline.output(claims, "claim", conclude=conclude)
    return pipeline.plan


@refused("'sum': 'sum of ask' and 'sum'", "name=...")
def test_an_operator_that_is_deployed_beside_a_stage_of_its_name() -> object:
    pipeline, claims = start()
    pipeline.publish(claims.expand(ask, "query").aggregate(Sum()), "one")
    pipeline.output(claims.map(judge, name="sum"), "claim", conclude=conclude)
    return pipeline.plan


@refused("Two stages are called 'total'", "name=...")
def test_two_operators_given_one_name() -> object:
    queries = start()[1].expand(ask, "query")
    return queries.aggregate(Sum(), name="total"), queries.aggregate(Sum(), name="total")


@refused("'coordinator'", "name=...")
def test_a_stage_called_coordinator() -> object:
    return start()[1].map(judge, name="coordinator")


@refused("'source'", "name=...")
def test_a_stage_called_source() -> object:
    return start()[1].map(judge, name="source")


@refused("'a.b' cannot name a stage", "letters, digits")
def test_a_stage_without_a_usable_name() -> object:
    return start()[1].map(judge, name="a.b")


@refused("'<lambda>' cannot name a stage", "name=...")
def test_a_lambda_without_a_name() -> object:
    return start()[1].map(lambda claim, ctx: claim)


@refused("'no spaces' cannot name a pipeline", "letters, digits")
def test_a_pipeline_without_a_usable_name() -> object:
    return Pipeline("no spaces", source=bytes)


@refused("no stage 'rerank'", "use one of answer, coordinator")
def test_a_stage_that_is_asked_for_but_is_not_there() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=conclude)
    return pipeline.plan.stage("rerank")


@refused("'no_such_module:pipeline'", "ALTO_PIPELINE")
def test_a_module_that_is_not_there() -> object:
    return load("no_such_module:pipeline")


@refused("cannot be imported: NameError: name 'missing'", "mend that module")
def test_a_module_that_cannot_be_imported() -> object:
    return load("tests.pipelines.broken:pipeline")


@refused("'alto_streams.pipeline:nothing'", "ALTO_PIPELINE")
def test_an_attribute_that_is_not_there() -> object:
    return load("alto_streams.pipeline:nothing")


@refused("is not a Pipeline", "ALTO_PIPELINE")
def test_an_attribute_that_is_no_pipeline() -> object:
    return load("alto_streams.pipeline:LANGUAGE_MODEL")


def test_operators_that_run_inside_their_readers_need_no_names() -> None:
    pipeline, claims = start()
    one, two = claims.expand(ask, "query"), claims.expand(ask, "query", name="ask_again")
    pipeline.publish(two.aggregate(Sum()), "two")  # the only one to be deployed under the name
    folded = join(one.aggregate(Sum()), two.map(search, name="sum_up").aggregate(Sum()))
    assert folded.node.name == "sum of ask + sum of sum_up"
    pipeline.output(folded.map(both), "query", conclude=conclude)
    assert [stage.name for stage in pipeline.plan.stages] == [
        "answer", "ask", "ask_again", "sum", "sum_up", "both", "coordinator"
    ]  # fmt: skip
