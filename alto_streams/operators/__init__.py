"""Aggregation operators: how the items of a scope become one value. docs/operators.md has a table of them.

An operator is a small object: `initial()` gives an empty state, `add(state, item)` returns the state with the item in
it, `result(state)` the value; `Operator` says what else it may have. A class of your own serves as well as these.

>>> best = TopK(2, key=len)
>>> state = best.initial()
>>> for place, word in enumerate(("to", "be", "or", "not")):
...     state = best.add(state, word, (place,))
>>> best.result(state)
['not', 'to']
"""

from alto_streams.operators.collect import Collect
from alto_streams.operators.count import Count
from alto_streams.operators.extremes import Max, Min
from alto_streams.operators.first import First
from alto_streams.operators.group_by import GroupBy
from alto_streams.operators.into import Into
from alto_streams.operators.operator import NOTHING, Deciding, Early, Mergeable, Nothing, Operator, Place, add_at
from alto_streams.operators.predicates import All, Any
from alto_streams.operators.reduce import Reduce
from alto_streams.operators.top_k import TopK
from alto_streams.operators.total import Mean, Sum
from alto_streams.operators.vote import Vote

__all__ = [
    "NOTHING",
    "All",
    "Any",
    "Collect",
    "Count",
    "Deciding",
    "Early",
    "First",
    "GroupBy",
    "Into",
    "Max",
    "Mean",
    "Mergeable",
    "Min",
    "Nothing",
    "Operator",
    "Place",
    "Reduce",
    "Sum",
    "TopK",
    "Vote",
    "add_at",
]
