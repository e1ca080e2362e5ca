"""Continuous batching, queueing, cancellation and the prefix cache of the emulated engine, in virtual time."""

from __future__ import annotations

from math import inf

import pytest

from alto_streams.engines.emulated.model import Batch, Request
from alto_streams.engines.emulated.parameters import Parameters
from alto_streams.engines.emulated.prefix_cache import Piece, PrefixCache

ROUND = Parameters(base_s=1.0, token_s=0.1, request_s=0.01, max_batch=64, cache_tokens=1000)


def request(name: object, tokens: int = 10, words: int = 1) -> Request:
    return Request((Piece(name, words),), tokens)


def alone_together(count: int) -> tuple[float, float]:
    """Seconds a token and tokens a second of requests that begin at once."""
    batch, requests = Batch(ROUND), [request(number, tokens=100) for number in range(count)]
    for one in requests:
        batch.submit(one, 0.0)
    batch.advance(inf)
    end = max(one.times[-1] for one in requests)
    return end / 100, 100 * count / end


def test_more_requests_at_a_time_make_each_slower_and_all_together_faster() -> None:
    found = [alone_together(count) for count in (1, 2, 4, 8, 16, 32)]
    seconds, throughputs = zip(*found, strict=True)
    assert list(seconds) == sorted(set(seconds))
    assert list(throughputs) == sorted(set(throughputs))


def test_a_step_costs_what_it_does() -> None:
    batch, first, second = Batch(ROUND), request("a", tokens=3, words=20), request("b", tokens=1, words=5)
    batch.submit(first, 0.0)
    batch.submit(second, 0.5)  # waits for the end of the step
    batch.advance(inf)
    read, both = 1.0 + 20 * 0.1 + 0.01, 1.0 + 0.1 + 5 * 0.1 + 0.01
    assert first.times == pytest.approx([read, read + both, read + both + 1.1])
    assert second.times == pytest.approx([read + both])


def test_an_idle_batch_begins_at_once_and_its_time_does_not_depend_on_how_often_it_is_looked_at() -> None:
    seen, unseen = Batch(ROUND), Batch(ROUND)
    one, other = request("a"), request("a")
    seen.submit(one, 7.0)
    unseen.submit(other, 7.0)
    for tenth in range(70, 300):
        seen.advance(tenth / 10)
    unseen.advance(inf)
    assert one.times == other.times
    assert seen.next_at is None


def test_a_full_batch_lets_others_wait_in_turn() -> None:
    batch = Batch(Parameters(1.0, 0.0, 0.0, max_batch=2))
    requests = [request(number, tokens=4) for number in range(4)]
    for one in requests:
        batch.submit(one, 0.0)
    batch.advance(1.5)
    assert (batch.running, batch.waiting) == (2, 2)
    batch.advance(inf)
    # The first begins alone, the second with the next step; a third gets the first's place, a fourth the second's.
    assert [one.times[0] for one in requests] == [1.0, 2.0, 5.0, 6.0]


def test_cancellation_frees_the_place_at_once() -> None:
    batch = Batch(Parameters(1.0, 0.0, 0.0, max_batch=1))
    first, second, third = (request(number, tokens=100) for number in range(3))
    for one in (first, second, third):
        batch.submit(one, 0.0)
    batch.cancel(first, 2.5)
    assert (batch.running, batch.waiting) == (0, 2)
    batch.cancel(third, 2.5)
    batch.advance(inf)
    assert first.times == [1.0, 2.0]
    assert second.times[0] == 4.0  # the step that was under way ends at 3
    assert third.times == []


def test_nothing_is_left_once_all_is_cancelled() -> None:
    batch, one = Batch(ROUND), request("a", tokens=1000)
    batch.submit(one, 0.0)
    batch.cancel(one, 1.0)
    batch.advance(100.0)
    assert (batch.running, batch.waiting, batch.next_at) == (0, 0, None)


def test_a_cached_beginning_is_not_read_again() -> None:
    batch = Batch(ROUND)
    first, second, third = (
        Request((Piece(start, 100), Piece(end, 10)), 1) for start, end in (("x", "a"), ("x", "b"), ("y", "b"))
    )
    for at, one in ((0.0, first), (100.0, second), (200.0, third)):
        batch.submit(one, at)
    batch.advance(inf)
    assert first.times[0] == pytest.approx(1.0 + 110 * 0.1 + 0.01)
    assert second.times[0] - 100 == pytest.approx(1.0 + 10 * 0.1 + 0.01)
    assert third.times[0] - 200 == pytest.approx(1.0 + 110 * 0.1 + 0.01)
    assert (batch.prompt_tokens, batch.cached_tokens) == (330, 100)


def test_the_least_recently_used_beginning_goes_first_and_its_ends_before_it() -> None:
    cache = PrefixCache(30)
    a, b, c = Piece("a", 10), Piece("b", 10), Piece("c", 10)
    assert [cache.take(one) for one in ([a, b], [c], [a, c])] == [20, 10, 10]  # the last drives out b, which follows a
    assert cache.tokens == 30
    assert cache.take([a, c]) == 1  # the last token is read in any case
    assert cache.take([a, b]) == 10  # drives out c, which was used before a
    assert cache.take([c]) == 10


def test_a_cache_without_room_caches_nothing() -> None:
    cache = PrefixCache(0)
    assert [cache.take([Piece("a", 10)]) for _ in range(2)] == [10, 10]
    assert cache.tokens == 0
