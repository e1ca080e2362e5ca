"""Levels that are opened twice, cut in vain, or closed by the wrong stage: refused when the pipeline is built."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import FrozenInstanceError

import pytest

from alto_streams.context import Context
from alto_streams.operators import Collect, First
from alto_streams.pipeline import Pipeline, join
from tests.unit.faulty import (
    Claim,
    Query,
    Sum,
    ask,
    both,
    compare,
    conclude,
    gather,
    judge,
    refused,
    search,
    start,
    write,
)


async def meet(a: Claim, b: Claim, ctx: Context) -> Claim:
    return a


async def again(query: Query, ctx: Context) -> AsyncIterator[Query]:
    yield query


@refused("'ask' opens level 'claim'", "another name")
def test_a_level_twice() -> object:
    return start()[1].expand(ask, "claim")


@refused("'write' sets only one of cut and item", "set both")
def test_a_cut_without_an_item() -> object:
    return start()[1].expand(write, "query", cut="lines")


@refused("'write' cuts at 'pages'", "sentence, line")
def test_an_unknown_cut_of_an_expand() -> object:
    return start()[1].expand(write, "query", cut="pages", item=Query)


@refused("'answer' emits whole messages", 'cut="lines"')
def test_a_cut_of_whole_messages() -> object:
    return start()[1].cut("token", at="words", item=Query)


@refused("'write' cuts at 'letters'", "token, word")
def test_an_unknown_cut() -> object:
    return start()[1].expand(write, "query", cut="lines", item=Query).cut("token", at="letters", item=Query)


@refused("'write': A word cannot be cut at 'line'", "one of token")
def test_a_cut_that_is_not_finer() -> object:
    return start()[1].expand(write, "query", cut="words", item=Query).cut("token", at="lines", item=Query)


@refused("'write.token': A word cannot be cut at 'sentence'", "one of token")
def test_a_cut_of_a_cut_that_is_not_finer() -> object:
    lines = start()[1].expand(write, "query", cut="lines", item=Query)
    return lines.cut("token", at="words", item=Query).cut("phrase", at="sentence", item=Query)


@refused("The cut of 'write.sentence' opens level 'query'", "another name")
def test_a_cut_at_a_level_that_is_open() -> object:
    lines = start()[1].expand(write, "query", cut="lines", item=Query)
    return lines.cut("sentence", at="sentence", item=Query).cut("query", at="word", item=Query)


@refused("'collect' aggregates over level 'token'", "expand before it")
def test_an_aggregate_over_a_level_that_nothing_opens() -> object:
    return start()[1].aggregate(Collect(), over="token")


@refused("'sum_again' closes level 'query', which 'sum of ask' has closed", "once")
def test_a_level_that_is_closed_twice() -> object:
    queries = start()[1].expand(ask, "query").aggregate(Sum(), over="query").map(search)
    return queries.aggregate(Sum(), over="query", name="sum_again")


@refused("'collect' closes level 'query'", "once")
def test_a_level_that_is_closed_in_one_branch_and_again_after_the_join() -> object:
    claims = start()[1]
    found = join(claims, claims.expand(ask, "query").aggregate(Sum(), over="query"))
    return found.map(compare).aggregate(Collect(), over="query")


@refused("Two stages are called 'judge'", "name=...")
def test_a_loop_through_a_stage_that_is_there_already() -> object:
    claims = start()[1]
    return claims.map(judge).map(judge)


@refused("'again' opens level 'claim'", "another name")
def test_a_loop_through_a_level_that_is_open_already() -> object:
    claims = start()[1]
    return claims.expand(ask, "query").expand(again, "claim")


@refused("'first' reads 'meet', which comes after it", "unroll the loop")
def test_a_cycle_made_by_force() -> object:
    pipeline, claims = start()
    first = claims.map(judge, name="first")
    second = join(claims, first).map(meet)
    object.__setattr__(first.node, "inputs", (second,))
    pipeline.output(second, "claim", conclude=conclude)
    return pipeline.plan


@refused("'collect' aggregates, but no level is open", "expand before it")
def test_an_aggregate_where_no_level_is_open() -> object:
    return Pipeline("p", source=bytes).source.aggregate(Collect())


@refused("'collect' closes 'claim'", "innermost levels")
def test_an_aggregate_that_leaves_a_deeper_level_open() -> object:
    return start()[1].expand(ask, "query").aggregate(Collect(), over="claim")


@refused("'sum' aggregates over 2 levels", "a merge")
def test_an_aggregate_over_two_levels_without_merge() -> object:
    return start()[1].expand(ask, "query").aggregate(Sum(), over=("claim", "query"))


@refused("'judge' aggregates with <function judge", "such as Collect()")
def test_an_aggregate_with_a_function() -> object:
    return start()[1].aggregate(judge)  # type: ignore[arg-type]


@refused("'collect' aggregates with <class 'alto_streams.operators", "such as Collect()")
def test_an_aggregate_with_a_class() -> object:
    return start()[1].aggregate(Collect)  # type: ignore[arg-type]


@refused("'gather' reads 'collect of again'", "both levels at once")
def test_an_aggregate_of_an_aggregate() -> object:
    pipeline, claims = start()
    queries = claims.expand(ask, "query").expand(again, "again").aggregate(Collect()).aggregate(Collect())
    pipeline.output(join(claims, queries).map(gather), "claim", conclude=conclude)
    return pipeline.plan


@refused("'write' is cut in two ways", "from there")
def test_words_of_lines_and_of_their_sentences() -> object:
    pipeline, claims = start()
    queries = claims.expand(write, "query", cut="lines", item=Query)
    sentences = queries.cut("sentence", at="sentence", item=Query)
    one = sentences.cut("token", at="words", item=Query).aggregate(First(), over=("sentence", "token"))
    two = queries.cut("token", at="words", item=Query).aggregate(First())
    folded = join(one, two).map(both).aggregate(Collect())
    pipeline.output(join(claims, folded).map(gather), "claim", conclude=conclude)
    return pipeline.plan


@refused("'write' is cut in two ways", "at one level")
def test_two_cuts_of_one_stage() -> object:
    pipeline, claims = start()
    queries = claims.expand(write, "query", cut="lines", item=Query)
    one = queries.cut("token", at="words", item=Query).aggregate(Sum())
    two = queries.cut("word", at="words", item=Query).aggregate(Sum(), name="sum_again")
    folded = join(one, two).map(both).aggregate(Collect())
    pipeline.output(join(claims, folded).map(gather), "claim", conclude=conclude)
    return pipeline.plan


def test_a_cycle_cannot_be_written_down() -> None:
    """A stream is made from streams that are there, and never changed; what goes round is a deeper level each time."""
    first = start()[1].map(judge)
    with pytest.raises(FrozenInstanceError):
        first.node.inputs = (first,)  # type: ignore[misc]
