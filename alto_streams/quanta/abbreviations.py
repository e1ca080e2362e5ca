"""Words whose full stop may not end a sentence."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# A full stop after one of these never ends a sentence.
TITLES = _set(
    "dr mr mrs ms mx prof st mt ft gen col lt sgt capt cmdr adm maj rev hon pres gov sen rep messrs "
    "vs viz cf ca approx est fig figs vol vols pp ed eds e.g i.e eg ie al"
)
# After these it ends one only when the next word usually begins one.
SHORTENINGS = _set("jr sr inc ltd co corp bros etc dept univ ave blvd rd b.c a.d a.m p.m")
# After these it ends none when a number follows.
BEFORE_NUMBERS = _set("no nos art sec ch jan feb mar apr jun jul aug sep sept oct nov dec p")
STARTERS = _set(
    "a an the it its he his she her they their we our you your i this that these those there here in on at "
    "by for from with of to as after before during since when while although though because if but and or so "
    "yet however moreover furthermore additionally also today later both many most some several another each "
    "one two three no not who what where which why how is was are were did does do once until under over"
)
LONGEST_STARTER = max(map(len, STARTERS))
