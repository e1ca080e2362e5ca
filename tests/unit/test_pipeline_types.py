"""Functions that read or make something else than their neighbours: refused when the pipeline is built."""

from __future__ import annotations

from collections.abc import Sequence

from alto_streams.context import Context
from alto_streams.operators import Collect, Count, Into, TopK
from alto_streams.pipeline import Pipeline, join
from tests.unit.faulty import Claim, Query, Sum, ask, compare, conclude, judge, refused, search, start, write


async def compare_all(claim: Claim, others: list[Claim], ctx: Context) -> Claim:
    return claim


async def count_up(claim: Claim, count: str, ctx: Context) -> Claim:
    return claim


async def rate(claim: Claim, ctx: Context) -> int:
    return 1


async def some(found: list[Query], ctx: Context) -> bool:
    return bool(found)


def joined(claims: Claim) -> Query:
    return Query()


async def no_types(item, ctx):  # type: ignore[no-untyped-def]
    return item


@refused("'search' reads Query, but its input carries Claim", "annotation")
def test_the_wrong_type() -> object:
    return start()[1].map(search)


@refused("'compare' reads 2 inputs, but its stream has 1", "one parameter")
def test_the_wrong_number_of_inputs() -> object:
    return start()[1].map(compare)


@refused("'sum' reads Query, but its input carries Claim", "annotation")
def test_an_operator_of_the_wrong_type() -> object:
    return start()[1].aggregate(Sum())


@refused("'compare_all' reads list[Claim], but its input carries list[Query]", "annotation")
def test_a_list_of_the_wrong_type() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(Collect())).map(compare_all)


@refused("'compare_all' reads list[Claim], but its input carries list[Query]", "a map")
def test_a_top_list_of_the_wrong_type() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(TopK(2, key=id))).map(compare_all)


@refused("'count_up' reads str, but its input carries int", "annotation")
def test_a_count_read_as_text() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(Count())).map(count_up)


@refused("'collect' reads Claim, but its input carries list", "map")
def test_an_operator_into_a_message_of_the_wrong_type() -> object:
    return start()[1].expand(ask, "query").aggregate(Into(Collect(), joined))


@refused("'rate' results in int, which is no message", "Protobuf")
def test_a_map_that_results_in_no_message() -> object:
    pipeline, claims = start()
    return pipeline.output(claims.map(rate), "rates", conclude=conclude) or pipeline.plan


@refused("'write' results in str, which is no message", "Protobuf")
def test_an_expand_of_text_that_is_not_cut() -> object:
    pipeline, claims = start()
    return pipeline.output(claims.expand(write, "query"), "queries", conclude=conclude) or pipeline.plan


@refused("'some' results in list[Query], which is no message", "Protobuf")
def test_a_filter_of_a_list() -> object:
    pipeline, claims = start()
    found = claims.expand(ask, "query").aggregate(Collect()).filter(some)
    return pipeline.output(found, "found", conclude=conclude) or pipeline.plan


@refused("'write' results in str, which is no message", "Protobuf")
def test_a_part_that_is_no_message() -> object:
    pipeline, claims = start()
    words = claims.expand(write, "query", cut="lines", item=Query).cut("word", at="words", item=str)
    return pipeline.output(words.map(no_types), "word", conclude=conclude) or pipeline.plan


@refused("source of pipeline 'p' is str, which is no message", "source=...")
def test_a_source_that_is_no_message() -> object:
    pipeline = Pipeline("p", source=str)
    return pipeline.output(pipeline.source.map(no_types), "x", conclude=conclude) or pipeline.plan


@refused("'p' reads Sequence[Query], but the output carries Claim", "conclude(")
def test_a_conclude_that_reads_another_type() -> object:
    def queries(question: str, items: Sequence[Query], failure: object) -> bytes:
        return b""

    pipeline, claims = start()
    return pipeline.output(claims, "claim", conclude=queries) or pipeline.plan


@refused("'judge' must be an async generator", "map for one that returns")
def test_an_expand_that_returns() -> object:
    return start()[1].expand(judge, "query")


@refused("'ask' must return one value", "use expand")
def test_a_map_that_yields() -> object:
    return start()[1].map(ask)


@refused("'count' results in int, which is no message", "Into(operator")
def test_an_aggregate_that_results_in_no_message() -> object:
    pipeline, claims = start()
    return pipeline.output(claims.expand(ask, "query").aggregate(Count()), "counts", conclude=conclude) or pipeline.plan
