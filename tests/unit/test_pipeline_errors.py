"""An impossible pipeline is refused when it is built, with a message that names the stage and the mend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import FrozenInstanceError
from typing import Any, Self

import pytest

from alto_streams.context import Context
from alto_streams.errors import PipelineError
from alto_streams.operators import Collect, Count, First, Into, TopK
from alto_streams.pipeline import Pipeline, Stream, join, load


class Message:
    """As much of one as is asked for."""

    def SerializeToString(self) -> bytes:
        return b""

    @classmethod
    def FromString(cls, data: bytes) -> Self:
        return cls()


class Claim(Message):
    """A type of message."""


class Query(Message):
    """Another one."""


async def answer(question: bytes, ctx: Context) -> AsyncIterator[Claim]:
    yield Claim()


async def ask(claim: Claim, ctx: Context) -> AsyncIterator[Query]:
    yield Query()


async def write(claim: Claim, ctx: Context) -> AsyncIterator[str]:
    yield ""


async def judge(claim: Claim, ctx: Context) -> Claim:
    return claim


async def search(query: Query, ctx: Context) -> Query:
    return query


async def compare(claim: Claim, query: Query, ctx: Context) -> Claim:
    return claim


async def good(claim: Claim, ctx: Context) -> bool:
    return True


class Sum:
    """Has no merge."""

    def initial(self) -> int:
        return 0

    def add(self, state: int, item: Query) -> int:
        return state

    def result(self, state: int) -> Query:
        return Query()


def conclude(question: str, items: Sequence[Any], failure: object) -> bytes:
    return b""


def start(name: str = "p") -> tuple[Pipeline, Stream]:
    pipeline = Pipeline(name, source=bytes)
    return pipeline, pipeline.source.expand(answer, "claim")


def a_level_twice() -> object:
    return start()[1].expand(ask, "claim")


def a_cut_without_an_item() -> object:
    return start()[1].expand(write, "query", cut="lines")


def an_unknown_cut_of_an_expand() -> object:
    return start()[1].expand(write, "query", cut="pages", item=Query)


def a_cut_of_whole_messages() -> object:
    return start()[1].cut("token", at="words", item=Query)


def an_unknown_cut() -> object:
    return start()[1].expand(write, "query", cut="lines", item=Query).cut("token", at="letters", item=Query)


def a_cut_that_is_not_finer() -> object:
    return start()[1].expand(write, "query", cut="words", item=Query).cut("token", at="lines", item=Query)


def a_cut_of_a_cut_that_is_not_finer() -> object:
    lines = start()[1].expand(write, "query", cut="lines", item=Query)
    return lines.cut("token", at="words", item=Query).cut("phrase", at="sentence", item=Query)


def a_cut_at_a_level_that_is_open() -> object:
    lines = start()[1].expand(write, "query", cut="lines", item=Query)
    return lines.cut("sentence", at="sentence", item=Query).cut("query", at="word", item=Query)


def an_aggregate_over_a_level_that_nothing_opens() -> object:
    return start()[1].aggregate(Collect(), over="token")


def a_level_that_is_closed_twice() -> object:
    queries = start()[1].expand(ask, "query").aggregate(Sum(), over="query").map(search)
    return queries.aggregate(Sum(), over="query", name="sum_again")


def a_level_that_is_closed_in_one_branch_and_again_after_the_join() -> object:
    claims = start()[1]
    found = join(claims, claims.expand(ask, "query").aggregate(Sum(), over="query"))
    return found.map(compare).aggregate(Collect(), over="query")


def a_loop_through_a_stage_that_is_there_already() -> object:
    claims = start()[1]
    return claims.map(judge).map(judge)


def a_loop_through_a_level_that_is_open_already() -> object:
    claims = start()[1]
    return claims.expand(ask, "query").expand(again, "claim")


def a_cycle_made_by_force() -> object:
    pipeline, claims = start()
    first = claims.map(judge, name="first")
    second = join(claims, first).map(meet)
    object.__setattr__(first.node, "inputs", (second,))
    pipeline.output(second, "claim", conclude=conclude)
    return pipeline.plan


async def meet(a: Claim, b: Claim, ctx: Context) -> Claim:
    return a


def an_aggregate_where_no_level_is_open() -> object:
    return Pipeline("p", source=bytes).source.aggregate(Collect())


def an_aggregate_that_leaves_a_deeper_level_open() -> object:
    return start()[1].expand(ask, "query").aggregate(Collect(), over="claim")


def an_aggregate_over_two_levels_without_merge() -> object:
    return start()[1].expand(ask, "query").aggregate(Sum(), over=("claim", "query"))


def an_aggregate_with_a_function() -> object:
    return start()[1].aggregate(judge)  # type: ignore[arg-type]


def an_aggregate_with_a_class() -> object:
    return start()[1].aggregate(Collect)  # type: ignore[arg-type]


def an_unknown_pool() -> object:
    return start()[1].map(judge, uses="gpu")


def two_stages_of_one_name() -> object:
    claims = start()[1]
    return claims.map(judge), claims.map(judge)


def an_operator_that_is_deployed_twice() -> object:
    pipeline, claims = start()
    one, two = claims.expand(ask, "query"), claims.expand(ask, "query", name="ask_again")
    pipeline.publish(one.aggregate(Sum()), "one")
    pipeline.publish(two.aggregate(Sum()), "two")
    pipeline.output(claims, "claim", conclude=conclude)
    return pipeline.plan


def an_operator_that_is_deployed_beside_a_stage_of_its_name() -> object:
    pipeline, claims = start()
    pipeline.publish(claims.expand(ask, "query").aggregate(Sum()), "one")
    pipeline.output(claims.map(judge, name="sum"), "claim", conclude=conclude)
    return pipeline.plan


def two_operators_given_one_name() -> object:
    queries = start()[1].expand(ask, "query")
    return queries.aggregate(Sum(), name="total"), queries.aggregate(Sum(), name="total")


def a_stage_called_coordinator() -> object:
    return start()[1].map(judge, name="coordinator")


def a_stage_called_source() -> object:
    return start()[1].map(judge, name="source")


def a_stage_without_a_usable_name() -> object:
    return start()[1].map(judge, name="a.b")


def a_lambda_without_a_name() -> object:
    return start()[1].map(lambda claim, ctx: claim)


def a_join_of_one() -> object:
    return join(start()[1])


def a_join_of_two_pipelines() -> object:
    return join(start()[1], start()[1])


def a_join_of_levels_that_never_meet() -> object:
    pipeline, claims = start()
    return join(claims.expand(ask, "query"), pipeline.source.expand(answer, "other", name="another"))


def a_join_across_levels_with_two_deeper_streams() -> object:
    claims = start()[1]
    queries = claims.expand(ask, "query")
    return join(claims, queries, queries.map(search))


def a_join_across_three_levels() -> object:
    pipeline, claims = start()
    return join(claims.expand(ask, "query"), claims, pipeline.source)


def a_left_join_that_begins_with_the_shallower_stream() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query"), how="left")


def a_join_with_what_a_join_across_levels_opened_again() -> object:
    claims = start()[1]
    queries = claims.expand(ask, "query")
    return join(queries, join(claims, queries).map(compare))


def a_join_across_levels_of_what_is_no_message() -> object:
    pipeline, claims = start()
    queries = claims.expand(ask, "query")
    found = join(queries, queries.aggregate(Collect())).map(among)
    return pipeline.output(found, "query", conclude=conclude) or pipeline.plan


async def among(query: Query, queries: list[Query], ctx: Context) -> Query:
    return query


def a_stage_called_as_a_pairing_is() -> object:
    pipeline, claims = start()
    found = join(claims.map(judge, name="compare_pairs"), claims.expand(ask, "query")).map(compare)
    return pipeline.output(found, "claim", conclude=conclude) or pipeline.plan


def a_join_of_an_unknown_kind() -> object:
    claims = start()[1]
    return join(claims, claims.map(judge), how="outer")


def a_left_join_whose_reader_takes_no_none() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(Sum()), how="left").map(compare)


def a_default_of_another_type() -> object:
    return start()[1].aggregate(First(default=Query()))


def a_filter_of_a_join() -> object:
    claims = start()[1]
    return join(claims, claims.map(judge)).filter(good)


def the_wrong_type() -> object:
    return start()[1].map(search)


def the_wrong_number_of_inputs() -> object:
    return start()[1].map(compare)


def an_operator_of_the_wrong_type() -> object:
    return start()[1].aggregate(Sum())


async def compare_all(claim: Claim, others: list[Claim], ctx: Context) -> Claim:
    return claim


async def count_up(claim: Claim, count: str, ctx: Context) -> Claim:
    return claim


async def rate(claim: Claim, ctx: Context) -> int:
    return 1


async def some(found: list[Query], ctx: Context) -> bool:
    return bool(found)


async def gather(claim: Claim, queries: list, ctx: Context) -> Claim:  # type: ignore[type-arg]
    return claim


def joined(claims: Claim) -> Query:
    return Query()


def a_list_of_the_wrong_type() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(Collect())).map(compare_all)


def a_top_list_of_the_wrong_type() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(TopK(2, key=id))).map(compare_all)


def a_count_read_as_text() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(Count())).map(count_up)


def an_operator_into_a_message_of_the_wrong_type() -> object:
    return start()[1].expand(ask, "query").aggregate(Into(Collect(), joined))


def a_map_that_results_in_no_message() -> object:
    pipeline, claims = start()
    return pipeline.output(claims.map(rate), "rates", conclude=conclude) or pipeline.plan


def an_expand_of_text_that_is_not_cut() -> object:
    pipeline, claims = start()
    return pipeline.output(claims.expand(write, "query"), "queries", conclude=conclude) or pipeline.plan


def a_filter_of_a_list() -> object:
    pipeline, claims = start()
    found = claims.expand(ask, "query").aggregate(Collect()).filter(some)
    return pipeline.output(found, "found", conclude=conclude) or pipeline.plan


def a_part_that_is_no_message() -> object:
    pipeline, claims = start()
    words = claims.expand(write, "query", cut="lines", item=Query).cut("word", at="words", item=str)
    return pipeline.output(words.map(no_types), "word", conclude=conclude) or pipeline.plan


async def no_types(item, ctx):  # type: ignore[no-untyped-def]
    return item


def a_source_that_is_no_message() -> object:
    pipeline = Pipeline("p", source=str)
    return pipeline.output(pipeline.source.map(no_types), "x", conclude=conclude) or pipeline.plan


def a_conclude_that_reads_another_type() -> object:
    def queries(question: str, items: Sequence[Query], failure: object) -> bytes:
        return b""

    pipeline, claims = start()
    return pipeline.output(claims, "claim", conclude=queries) or pipeline.plan


def an_expand_that_returns() -> object:
    return start()[1].expand(judge, "query")


def a_map_that_yields() -> object:
    return start()[1].map(ask)


def a_pipeline_without_a_usable_name() -> object:
    return Pipeline("no spaces", source=bytes)


def two_outputs() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=conclude)
    return pipeline.output(claims, "claim", conclude=conclude)


def an_output_of_a_join() -> object:
    pipeline, claims = start()
    return pipeline.output(join(claims, claims.map(judge)), "claim", conclude=conclude)


def a_cut_that_is_published() -> object:
    pipeline, claims = start()
    return pipeline.publish(
        claims.expand(write, "query", cut="lines", item=Query).cut("token", at="words", item=Query), "token"
    )


def the_source_is_published() -> object:
    pipeline, _ = start()
    return pipeline.publish(pipeline.source, "question")


def a_stream_of_another_pipeline_is_published() -> object:
    return start()[0].publish(start("other")[1], "claim")


def no_output() -> object:
    return start()[0].plan


def a_conclude_that_knows_no_failure() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=lambda question, items: b"")
    return pipeline.plan


def a_conclude_that_makes_no_message() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=lambda question, items, failure: items)
    return pipeline.plan


def a_stage_that_nobody_reads() -> object:
    pipeline, claims = start()
    claims.expand(ask, "query")
    pipeline.output(claims.map(judge), "claim", conclude=conclude)
    return pipeline.plan


def an_aggregate_of_an_aggregate() -> object:
    pipeline, claims = start()
    queries = claims.expand(ask, "query").expand(again, "again").aggregate(Collect()).aggregate(Collect())
    pipeline.output(join(claims, queries).map(gather), "claim", conclude=conclude)
    return pipeline.plan


async def again(query: Query, ctx: Context) -> AsyncIterator[Query]:
    yield query


def an_aggregate_that_results_in_no_message() -> object:
    pipeline, claims = start()
    return pipeline.output(claims.expand(ask, "query").aggregate(Count()), "counts", conclude=conclude) or pipeline.plan


def a_join_of_levels_of_one_name() -> object:
    pipeline = Pipeline("p", source=bytes)
    one = pipeline.source.expand(answer, "sentence")
    return join(one, pipeline.source.expand(answer, "sentence", name="once_more"))


def an_aggregate_of_a_join() -> object:
    pipeline, claims = start()
    queries = claims.expand(ask, "query")
    folded = join(queries, queries.map(search)).aggregate(Collect())
    pipeline.output(join(claims, folded).map(gather), "claim", conclude=conclude)
    return pipeline.plan


def words_of_lines_and_of_their_sentences() -> object:
    pipeline, claims = start()
    queries = claims.expand(write, "query", cut="lines", item=Query)
    sentences = queries.cut("sentence", at="sentence", item=Query)
    one = sentences.cut("token", at="words", item=Query).aggregate(First(), over=("sentence", "token"))
    two = queries.cut("token", at="words", item=Query).aggregate(First())
    folded = join(one, two).map(both).aggregate(Collect())
    pipeline.output(join(claims, folded).map(gather), "claim", conclude=conclude)
    return pipeline.plan


def two_cuts_of_one_stage() -> object:
    pipeline, claims = start()
    queries = claims.expand(write, "query", cut="lines", item=Query)
    one = queries.cut("token", at="words", item=Query).aggregate(Sum())
    two = queries.cut("word", at="words", item=Query).aggregate(Sum(), name="sum_again")
    folded = join(one, two).map(both).aggregate(Collect())
    pipeline.output(join(claims, folded).map(gather), "claim", conclude=conclude)
    return pipeline.plan


async def both(a: Query, b: Query, ctx: Context) -> Query:
    return a


def a_stage_that_is_asked_for_but_is_not_there() -> object:
    pipeline, claims = start()
    pipeline.output(claims, "claim", conclude=conclude)
    return pipeline.plan.stage("rerank")


def a_module_that_is_not_there() -> object:
    return load("no_such_module:pipeline")


def a_module_that_cannot_be_imported() -> object:
    return load("tests.pipelines.broken:pipeline")


def an_attribute_that_is_not_there() -> object:
    return load("alto_streams.pipeline:nothing")


def an_attribute_that_is_no_pipeline() -> object:
    return load("alto_streams.pipeline:LANGUAGE_MODEL")


@pytest.mark.parametrize(
    ("build", "names", "mend"),
    [
        (a_level_twice, "'ask' opens level 'claim'", "another name"),
        (a_cut_without_an_item, "'write' sets only one of cut and item", "set both"),
        (an_unknown_cut_of_an_expand, "'write' cuts at 'pages'", "sentence, line"),
        (a_cut_of_whole_messages, "'answer' emits whole messages", 'cut="lines"'),
        (an_unknown_cut, "'write' cuts at 'letters'", "token, word"),
        (a_cut_that_is_not_finer, "'write': A word cannot be cut at 'line'", "one of token"),
        (a_cut_of_a_cut_that_is_not_finer, "'write.token': A word cannot be cut at 'sentence'", "one of token"),
        (a_cut_at_a_level_that_is_open, "The cut of 'write.sentence' opens level 'query'", "another name"),
        (an_aggregate_over_a_level_that_nothing_opens, "'collect' aggregates over level 'token'", "expand before it"),
        (a_level_that_is_closed_twice, "'sum_again' closes level 'query', which 'sum of ask' has closed", "once"),
        (a_level_that_is_closed_in_one_branch_and_again_after_the_join, "'collect' closes level 'query'", "once"),
        (a_loop_through_a_stage_that_is_there_already, "Two stages are called 'judge'", "name=..."),
        (a_loop_through_a_level_that_is_open_already, "'again' opens level 'claim'", "another name"),
        (a_cycle_made_by_force, "'first' reads 'meet', which comes after it", "unroll the loop"),
        (an_aggregate_where_no_level_is_open, "'collect' aggregates, but no level is open", "expand before it"),
        (an_aggregate_that_leaves_a_deeper_level_open, "'collect' closes 'claim'", "innermost levels"),
        (an_aggregate_with_a_function, "'judge' aggregates with <function judge", "such as Collect()"),
        (an_aggregate_with_a_class, "'collect' aggregates with <class 'alto_streams.operators", "such as Collect()"),
        (an_aggregate_over_two_levels_without_merge, "'sum' aggregates over 2 levels", "a merge"),
        (an_unknown_pool, "'judge' uses pool 'gpu'", 'uses="lm"'),
        (two_stages_of_one_name, "called 'judge'", "name=..."),
        (an_operator_that_is_deployed_twice, "'sum': 'sum of ask' and 'sum of ask_again'", "name=..."),
        (an_operator_that_is_deployed_beside_a_stage_of_its_name, "'sum': 'sum of ask' and 'sum'", "name=..."),
        (two_operators_given_one_name, "Two stages are called 'total'", "name=..."),
        (a_stage_called_coordinator, "'coordinator'", "name=..."),
        (a_stage_called_source, "'source'", "name=..."),
        (a_stage_without_a_usable_name, "'a.b' cannot name a stage", "letters, digits"),
        (a_lambda_without_a_name, "'<lambda>' cannot name a stage", "name=..."),
        (a_join_of_one, "at least two streams", "join(a, b)"),
        (a_join_of_two_pipelines, "answer + answer pairs streams of two pipelines", "one pipeline"),
        (a_join_of_levels_that_never_meet, "ask + another pairs levels that never meet", "levels that they share"),
        (a_join_across_levels_with_two_deeper_streams, "answer + ask + search pairs 2 streams", "equal levels first"),
        (a_join_across_three_levels, "ask + answer + source pairs 2 streams", "of equal levels first"),
        (a_left_join_that_begins_with_the_shallower_stream, "begins with a stream that lacks 'query'", "'ask' first"),
        (a_join_with_what_a_join_across_levels_opened_again, "'ask' and 'answer + ask' open one 'query'", "names of"),
        (a_join_across_levels_of_what_is_no_message, "'collect' results in list[Query], which is no message", "Into("),
        (a_stage_called_as_a_pairing_is, "'compare_pairs': one pairs what 'compare' reads", "name=..."),
        (a_join_of_levels_of_one_name, "'answer' and 'once_more' open one 'sentence' each", "names of their own"),
        (a_join_of_an_unknown_kind, "A join cannot be 'outer'", "how='left'"),
        (a_left_join_whose_reader_takes_no_none, "'compare' reads Query, but its left join gives", "Query | None"),
        (a_default_of_another_type, "'first' has Query for its default, but its input carries Claim", "such an item"),
        (a_filter_of_a_join, "'good' filters a join", "into one message"),
        (the_wrong_type, "'search' reads Query, but its input carries Claim", "annotation"),
        (the_wrong_number_of_inputs, "'compare' reads 2 inputs, but its stream has 1", "one parameter"),
        (an_operator_of_the_wrong_type, "'sum' reads Query, but its input carries Claim", "annotation"),
        (a_list_of_the_wrong_type, "'compare_all' reads list[Claim], but its input carries list[Query]", "annotation"),
        (a_top_list_of_the_wrong_type, "'compare_all' reads list[Claim], but its input carries list[Query]", "a map"),
        (a_count_read_as_text, "'count_up' reads str, but its input carries int", "annotation"),
        (an_operator_into_a_message_of_the_wrong_type, "'collect' reads Claim, but its input carries list", "map"),
        (a_map_that_results_in_no_message, "'rate' results in int, which is no message", "Protobuf"),
        (an_expand_of_text_that_is_not_cut, "'write' results in str, which is no message", "Protobuf"),
        (a_filter_of_a_list, "'some' results in list[Query], which is no message", "Protobuf"),
        (a_part_that_is_no_message, "'write' results in str, which is no message", "Protobuf"),
        (a_source_that_is_no_message, "source of pipeline 'p' is str, which is no message", "source=..."),
        (a_conclude_that_reads_another_type, "'p' reads Sequence[Query], but the output carries Claim", "conclude("),
        (an_expand_that_returns, "'judge' must be an async generator", "map for one that returns"),
        (a_map_that_yields, "'ask' must return one value", "use expand"),
        (a_pipeline_without_a_usable_name, "'no spaces' cannot name a pipeline", "letters, digits"),
        (two_outputs, "'p' has two outputs", "call output once"),
        (an_output_of_a_join, "'answer + judge' of pipeline 'p' is what a stage reads", "items of a map"),
        (a_cut_that_is_published, "'write.token' of pipeline 'p' is what a stage reads", "items of a map"),
        (the_source_is_published, "'source' of pipeline 'p' is what a stage reads", "items of a map"),
        (
            a_stream_of_another_pipeline_is_published,
            "'answer' belongs to pipeline 'other'",
            "this pipeline",
        ),
        (no_output, "'p' has no output", "pipeline.output(...)"),
        (a_conclude_that_knows_no_failure, "'p' cannot say that a question failed", "conclude(question_id"),
        (a_conclude_that_makes_no_message, "'p' is no message: conclude gave list", "Protobuf"),
        (a_stage_that_nobody_reads, "Nobody reads stage 'ask'", "read its stream"),
        (an_aggregate_of_an_aggregate, "'gather' reads 'collect of again'", "both levels at once"),
        (an_aggregate_that_results_in_no_message, "'count' results in int, which is no message", "Into(operator"),
        (an_aggregate_of_a_join, "reads 'ask + search'", "put a map between"),
        (two_cuts_of_one_stage, "'write' is cut in two ways", "at one level"),
        (words_of_lines_and_of_their_sentences, "'write' is cut in two ways", "from there"),
        (a_stage_that_is_asked_for_but_is_not_there, "no stage 'rerank'", "use one of answer, coordinator"),
        (a_module_that_is_not_there, "'no_such_module:pipeline'", "ALTO_PIPELINE"),
        (a_module_that_cannot_be_imported, "cannot be imported: NameError: name 'missing'", "mend that module"),
        (an_attribute_that_is_not_there, "'alto_streams.pipeline:nothing'", "ALTO_PIPELINE"),
        (an_attribute_that_is_no_pipeline, "is not a Pipeline", "ALTO_PIPELINE"),
    ],
)
def test_it_is_refused_by_name_and_with_a_mend(build: Callable[[], object], names: str, mend: str) -> None:
    with pytest.raises(PipelineError) as caught:
        build()
    assert names in caught.value.message
    assert mend in caught.value.mend


def test_the_same_graph_without_the_fault_is_accepted() -> None:
    pipeline, claims = start()
    queries = claims.filter(good).expand(ask, "query").map(search).aggregate(Sum())
    pipeline.output(join(claims, queries).map(compare), "claim", conclude=conclude)
    assert [stage.name for stage in pipeline.plan.stages] == [
        "answer", "good", "ask", "search", "compare", "coordinator"
    ]  # fmt: skip


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


def test_a_cycle_cannot_be_written_down() -> None:
    """A stream is made from streams that are there, and never changed; what goes round is a deeper level each time."""
    first = start()[1].map(judge)
    with pytest.raises(FrozenInstanceError):
        first.node.inputs = (first,)  # type: ignore[misc]
