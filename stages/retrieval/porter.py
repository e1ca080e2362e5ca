"""Porter's stemmer with Martin Porter's later extensions, as Lucene's English analyzer has it.

M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980. The extensions: words of one or two letters
stay, `bli` -> `ble` (for `abli` -> `able`), `logi` -> `log`. Snowball's "porter" lacks them, so queries would miss
documents that Lucene finds; hence a file of our own.
"""

from __future__ import annotations

from functools import lru_cache

_STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble",
    "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate",
    "alism": "al", "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive",
    "biliti": "ble", "logi": "log",
}  # fmt: skip
_STEP_3 = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "sion", "tion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
)  # fmt: skip


def _longest_first(suffixes: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(suffixes.items(), key=lambda rule: -len(rule[0])))


_STEP_2_RULES = _longest_first(_STEP_2)
_STEP_3_RULES = _longest_first(_STEP_3)
_STEP_4_RULES = tuple(sorted(_STEP_4, key=len, reverse=True))


def _shape(word: str) -> str:
    """One letter a letter: `v` for a vowel, `c` for a consonant; `y` is a vowel after a consonant."""
    shape = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and shape.endswith("c"))
        shape += "v" if vowel else "c"
    return shape


def _measure(stem: str) -> int:
    """Porter's m: how many vowel-consonant sequences the stem holds."""
    return _shape(stem).count("vc")


def _ends_double_consonant(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _shape(word)[-1] == "c"


def _ends_short_syllable(word: str) -> bool:
    return len(word) > 2 and _shape(word)[-3:] == "cvc" and word[-1] not in "wxy"


def _plurals(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    if word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _past_and_progressive(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    for suffix in ("ed", "ing"):
        stem = word.removesuffix(suffix)
        if stem == word:
            continue
        if "v" not in _shape(stem):
            return word
        if stem.endswith(("at", "bl", "iz")):
            return stem + "e"
        if _ends_double_consonant(stem):
            return stem if stem[-1] in "lsz" else stem[:-1]
        return stem + "e" if _measure(stem) == 1 and _ends_short_syllable(stem) else stem
    return word


def _replace(word: str, rules: tuple[tuple[str, str], ...]) -> str:
    for suffix, replacement in rules:
        if word.endswith(suffix):
            stem = word[: -len(suffix)]
            return stem + replacement if _measure(stem) > 0 else word
    return word


def _strip(word: str) -> str:
    for suffix in _STEP_4_RULES:
        if word.endswith(suffix):
            stem = word[: -len(suffix)]
            if suffix in ("sion", "tion"):
                stem += suffix[0]
            return stem if _measure(stem) > 1 else word
    return word


def _last_letters(word: str) -> str:
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _ends_short_syllable(word[:-1])):
            word = word[:-1]
    if word.endswith("ll") and _measure(word) > 1:
        word = word[:-1]
    return word


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of a lower-case word.

    >>> stem("relational"), stem("geologies"), stem("possibly"), stem("is")
    ('relat', 'geologi', 'possibl', 'is')
    """
    if len(word) < 3:
        return word
    word = _past_and_progressive(_plurals(word))
    if word.endswith("y") and "v" in _shape(word[:-1]):
        word = word[:-1] + "i"
    word = _replace(_replace(word, _STEP_2_RULES), _STEP_3_RULES)
    return _last_letters(_strip(word))
