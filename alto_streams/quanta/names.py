"""The quanta by name, from the finest to the coarsest: what `cut=...` and `at=...` of a pipeline take."""

from __future__ import annotations

from collections.abc import Callable

from alto_streams.errors import PipelineError
from alto_streams.quanta.cutter import Cutter
from alto_streams.quanta.elements import Elements
from alto_streams.quanta.items import Items
from alto_streams.quanta.lines import Lines
from alto_streams.quanta.paragraphs import Paragraphs
from alto_streams.quanta.sentences import Sentences
from alto_streams.quanta.tokens import Tokens
from alto_streams.quanta.whole import Whole
from alto_streams.quanta.words import Words

QUANTA: dict[str, Callable[[], Cutter]] = {
    "token": Tokens,
    "word": Words,
    "sentence": Sentences,
    "line": Lines,
    "item": Items,
    "paragraph": Paragraphs,
    "element": Elements,
    "whole": Whole,
}


class QuantumError(PipelineError):
    """A quantum that does not exist, or one that is cut into what is not finer."""


def quantum(name: str) -> str:
    """The name as `QUANTA` has it: the plural says the same. Raises QuantumError where there is none.

    >>> quantum("lines")
    'line'
    """
    for known in (name, name.removesuffix("s")):
        if known in QUANTA:
            return known
    raise QuantumError(f"There is no quantum '{name}'.", f"use one of {', '.join(QUANTA)}")


def cutter(name: str) -> Cutter:
    """A new cutter at this quantum. Raises QuantumError where there is none.

    >>> cutter("sentence").feed("Paris is big. London")
    ['Paris is big.']
    """
    return QUANTA[quantum(name)]()


def check_finer(coarse: str, fine: str) -> None:
    """Raises QuantumError where pieces at `coarse` are not made of several at `fine`."""
    order = list(QUANTA)
    if order.index(quantum(fine)) >= order.index(quantum(coarse)):
        finer = order[: order.index(quantum(coarse))]
        raise QuantumError(
            f"A {quantum(coarse)} cannot be cut at '{fine}', which is not finer.",
            f"cut it at one of {', '.join(finer)}" if finer else "cut nothing finer than a token",
        )
