"""The records of the benchmark, of the size that a pipeline's have: a short key, 200 bytes, one header of 50."""

from __future__ import annotations

KEY_BYTES = 8
VALUE_BYTES = 200
HEADER = "alto"
HEADER_BYTES = 46  # with its name: 50

_FILL = bytes(range(VALUE_BYTES - KEY_BYTES))
_HEADERS: Headers = [(HEADER, bytes(range(HEADER_BYTES)))]

Headers = list[tuple[str, str | bytes | None]]


def record(number: int) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers of one record.

    >>> key, value, headers = record(7)
    >>> number_of(key), len(value), value.startswith(key)
    (7, 200, True)
    """
    key = number.to_bytes(KEY_BYTES, "big")
    return key, key + _FILL, _HEADERS


def number_of(key: bytes) -> int:
    return int.from_bytes(key, "big")
