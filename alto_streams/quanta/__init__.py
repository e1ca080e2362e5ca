"""Cuts streamed text into quanta (tokens, words, sentences, lines, list items ...) as soon as each is certain.

Pure, incremental, and exact: the pieces depend on the text alone, never on how it was chunked.
"""

from alto_streams.quanta.cutter import Cutter, cut
from alto_streams.quanta.elements import Elements
from alto_streams.quanta.items import Items
from alto_streams.quanta.lines import Lines
from alto_streams.quanta.names import QUANTA, QuantumError, check_finer, cutter, quantum
from alto_streams.quanta.nested import Nested, Part
from alto_streams.quanta.paragraphs import Paragraphs
from alto_streams.quanta.piece import Piece
from alto_streams.quanta.sentences import Sentences
from alto_streams.quanta.tokens import Tokens
from alto_streams.quanta.whole import Whole
from alto_streams.quanta.words import Words

__all__ = [
    "QUANTA",
    "Cutter",
    "Elements",
    "Items",
    "Lines",
    "Nested",
    "Paragraphs",
    "Part",
    "Piece",
    "QuantumError",
    "Sentences",
    "Tokens",
    "Whole",
    "Words",
    "check_finer",
    "cut",
    "cutter",
    "quantum",
]
