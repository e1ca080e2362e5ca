"""The text that is committed with an offset: read back as it was written, never too long, never half understood."""

from __future__ import annotations

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alto_streams.errors import ProgressError, SettingError
from alto_streams.progress import MAX_ATTEMPT, Progress, decode, encode, window

SMALLEST_LIMIT = 38
DEFAULT_LIMIT = 4096  # of Kafka's offset.metadata.max.bytes

attempts = st.one_of(st.integers(0, 9), st.integers(0, MAX_ATTEMPT), st.just(MAX_ATTEMPT))


@st.composite
def progresses(draw: st.DrawFn, spans: st.SearchStrategy[int] | None = None) -> Progress:
    """Of every shape: runs of any length, single offsets, wide gaps."""
    offset = draw(st.integers(0, 2**62))
    span = draw(
        spans if spans is not None else st.one_of(st.integers(0, 40), st.integers(0, 3000), st.integers(0, 2**40))
    )
    marks = draw(st.sets(st.integers(0, span - 1), max_size=60)) if span else set()
    for start in draw(st.lists(st.integers(0, span), max_size=3)):
        marks.update(range(start, min(span, start + draw(st.integers(0, 300)))))
    step = draw(st.integers(0, 3))
    if step:
        marks.update(range(0, min(span, 1000), step))
    unfinished = (offset, *(offset + mark for mark in sorted(marks - {0}))) if span else ()
    return Progress(offset, draw(attempts), unfinished, offset + span)


@given(progresses())
def test_what_is_written_is_read(progress: Progress) -> None:
    text = encode(progress)
    assert text.isascii()
    assert text.isprintable()
    assert decode(progress.offset, text) == progress


@given(st.data(), st.integers(SMALLEST_LIMIT, 300))
def test_what_is_within_the_window_fits(data: st.DataObject, limit: int) -> None:
    widest = window(limit)
    progress = data.draw(progresses(st.one_of(st.just(widest), st.integers(0, widest))))
    assert len(encode(progress)) <= limit


@given(st.integers(SMALLEST_LIMIT, 300))
@example(DEFAULT_LIMIT)
def test_the_window_is_the_widest_that_always_fits(limit: int) -> None:
    def hardest(span: int) -> Progress:
        return Progress(7, MAX_ATTEMPT, tuple(range(7, 7 + span, 2)), 7 + span)

    assert len(encode(hardest(window(limit)))) <= limit < len(encode(hardest(window(limit) + 1)))


def test_the_default_limit_leaves_a_wide_window() -> None:
    assert window(DEFAULT_LIMIT) == 24_359


@pytest.mark.parametrize("limit", [0, 35, SMALLEST_LIMIT - 1])
def test_a_limit_that_holds_nothing_is_refused(limit: int) -> None:
    with pytest.raises(SettingError, match=rf"offset\.metadata\.max\.bytes is {limit}.*{SMALLEST_LIMIT} at least"):
        window(limit)


def test_a_few_stragglers_far_apart_stay_short() -> None:
    assert len(encode(Progress(0, 1, (0, 1_000_000, 2_000_000), 3_000_000))) < 60
    assert len(encode(Progress(0, 1, tuple(range(20_000)), 20_000))) < 30


@pytest.mark.parametrize("metadata", [None, "", "{}", "consumer-1", "alto", "altogether", "Alto1.3.0"])
def test_metadata_of_another_client_says_nothing(metadata: str | None) -> None:
    assert decode(12, metadata) == Progress(12, attempt=0, unfinished=(), known=12)


@given(st.text())
def test_any_other_text_says_nothing(metadata: str) -> None:
    if not metadata.startswith("alto"):
        assert decode(5, metadata) == Progress(5)


@given(progresses(st.integers(0, 200)), st.data())
def test_one_wrong_character_is_noticed(progress: Progress, data: st.DataObject) -> None:
    text = encode(progress)
    index = data.draw(st.integers(len("alto1"), len(text) - 1))
    other = data.draw(st.sampled_from(string.printable).filter(lambda character: character != text[index]))
    with pytest.raises(ProgressError):
        decode(progress.offset, text[:index] + other + text[index + 1 :])


@given(progresses(st.integers(0, 200)), st.data())
def test_a_text_cut_short_is_noticed(progress: Progress, data: st.DataObject) -> None:
    text = encode(progress)
    with pytest.raises(ProgressError):
        decode(progress.offset, text[: data.draw(st.integers(len("alto1"), len(text) - 1))])


@given(progresses(), st.integers(0, 2**62))
def test_a_text_of_another_offset_is_noticed(progress: Progress, offset: int) -> None:
    if offset != progress.offset:
        with pytest.raises(ProgressError, match=f"offset {offset} .*another offset.*reset-offsets"):
            decode(offset, encode(progress))


def test_a_text_of_another_version_is_noticed() -> None:
    with pytest.raises(ProgressError, match="another version"):
        decode(0, "alto2.whatever it may look like")


@pytest.mark.parametrize(
    "contradiction",
    [
        {"offset": -1},
        {"offset": 5, "known": 4},
        {"offset": 5, "known": 6},
        {"offset": 5, "known": 9, "unfinished": (6,)},
        {"offset": 5, "known": 9, "unfinished": (4, 5)},
        {"offset": 5, "known": 9, "unfinished": (5, 7, 6)},
        {"offset": 5, "known": 9, "unfinished": (5, 5)},
        {"offset": 5, "known": 9, "unfinished": (5, 9)},
        {"offset": 5, "attempt": -1},
        {"offset": 5, "attempt": MAX_ATTEMPT + 1},
    ],
)
def test_a_contradiction_is_refused(contradiction: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"do not agree|is not in"):
        Progress(**contradiction)  # type: ignore[arg-type]
