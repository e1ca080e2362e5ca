"""Joins of streams that do not fit together: refused when the pipeline is built."""

from __future__ import annotations

from alto_streams.context import Context
from alto_streams.operators import Collect, First
from alto_streams.pipeline import Pipeline, join
from tests.unit.faulty import Query, Sum, answer, ask, compare, conclude, gather, good, judge, refused, search, start


async def among(query: Query, queries: list[Query], ctx: Context) -> Query:
    return query


@refused("at least two streams", "join(a, b)")
def test_a_join_of_one() -> object:
    return join(start()[1])


@refused("answer + answer pairs streams of two pipelines", "one pipeline")
def test_a_join_of_two_pipelines() -> object:
    return join(start()[1], start()[1])


@refused("ask + another pairs levels that never meet", "levels that they share")
def test_a_join_of_levels_that_never_meet() -> object:
    pipeline, claims = start()
    return join(claims.expand(ask, "query"), pipeline.source.expand(answer, "other", name="another"))


@refused("answer + ask + search pairs 2 streams", "equal levels first")
def test_a_join_across_levels_with_two_deeper_streams() -> object:
    claims = start()[1]
    queries = claims.expand(ask, "query")
    return join(claims, queries, queries.map(search))


@refused("ask + answer + source pairs 2 streams", "of equal levels first")
def test_a_join_across_three_levels() -> object:
    pipeline, claims = start()
    return join(claims.expand(ask, "query"), claims, pipeline.source)


@refused("begins with a stream that lacks 'query'", "'ask' first")
def test_a_left_join_that_begins_with_the_shallower_stream() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query"), how="left")


@refused("'ask' and 'answer + ask' open one 'query'", "names of")
def test_a_join_with_what_a_join_across_levels_opened_again() -> object:
    claims = start()[1]
    queries = claims.expand(ask, "query")
    return join(queries, join(claims, queries).map(compare))


@refused("'collect' results in list[Query], which is no message", "Into(")
def test_a_join_across_levels_of_what_is_no_message() -> object:
    pipeline, claims = start()
    queries = claims.expand(ask, "query")
    found = join(queries, queries.aggregate(Collect())).map(among)
    return pipeline.output(found, "query", conclude=conclude) or pipeline.plan


@refused("'compare_pairs': one pairs what 'compare' reads", "name=...")
def test_a_stage_called_as_a_pairing_is() -> object:
    pipeline, claims = start()
    found = join(claims.map(judge, name="compare_pairs"), claims.expand(ask, "query")).map(compare)
    return pipeline.output(found, "claim", conclude=conclude) or pipeline.plan


@refused("A join cannot be 'outer'", "how='left'")
def test_a_join_of_an_unknown_kind() -> object:
    claims = start()[1]
    return join(claims, claims.map(judge), how="outer")


@refused("'compare' reads Query, but its left join gives", "Query | None")
def test_a_left_join_whose_reader_takes_no_none() -> object:
    claims = start()[1]
    return join(claims, claims.expand(ask, "query").aggregate(Sum()), how="left").map(compare)


@refused("'first' has Query for its default, but its input carries Claim", "such an item")
def test_a_default_of_another_type() -> object:
    return start()[1].aggregate(First(default=Query()))


@refused("'good' filters a join", "into one message")
def test_a_filter_of_a_join() -> object:
    claims = start()[1]
    return join(claims, claims.map(judge)).filter(good)


@refused("'answer' and 'once_more' open one 'sentence' each", "names of their own")
def test_a_join_of_levels_of_one_name() -> object:
    pipeline = Pipeline("p", source=bytes)
    one = pipeline.source.expand(answer, "sentence")
    return join(one, pipeline.source.expand(answer, "sentence", name="once_more"))


@refused("reads 'ask + search'", "put a map between")
def test_an_aggregate_of_a_join() -> object:
    pipeline, claims = start()
    queries = claims.expand(ask, "query")
    folded = join(queries, queries.map(search)).aggregate(Collect())
    pipeline.output(join(claims, folded).map(gather), "claim", conclude=conclude)
    return pipeline.plan
