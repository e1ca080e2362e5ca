"""The few numbers of the emulated engine, and where each comes from: the paper's table 1, and nothing else.

**Words to tokens: 1.** The table's "search query token" is one word, 5.5 of them a query.

**What its times mean.** The time of an output counts from the one before it, of the first from the request: 5.5 words
of 59.8 ms are 328.9 ms, and a query takes 326.6 ms. So a request takes 1292 ms for an answer, 3.3 x 403.6 = 1332 ms for
claims, 2.5 x 326.6 = 817 ms for queries.

**Why a step costs what it costs.** One instance gets 7.5 answers, 7.5 claim requests, 16.5 query requests a second
(15 / 2, 15 / 2, 15 x 3.3 / 3), so by Little's law 9.7, 10.0 and 13.5 run on it at a time: nearly equal. Yet a word
takes 20.7, 41.2 and 59.4 ms. What differs is how much is read: claim extraction reads an answer of 62.5 words where
question answering reads a question; query generation admits twice the requests. So a step has a part for each request
admitted and a part for each word read, beside the constant part and the one for each word made. Reading a word and
making one are both one pass of one token through the model: one cost. That leaves three unknowns for three times, and
`derive` solves for them:

    step = base_s + token_s x (words made + words read and not cached) + request_s x requests admitted

The fourth time (59.8 ms a word) and all the deviations of times took no part: they are the check, see `table1`. The
table cannot tell whether the paper's instances kept the prompts' constant beginnings; if they did not, request_s is
the time it takes to read them.

Batch size and cache size are not in the table. They are far beyond what its load needs, so they have no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameters:
    """Times in seconds. A token is a word."""

    base_s: float = 0.00729
    token_s: float = 0.000811
    request_s: float = 0.0225
    max_batch: int = 256  # vLLM's default when the paper was written; the load of the table fills some 14 of it
    cache_tokens: int = 100_000  # some hundreds of prompts

    def step_s(self, decoding: int, admitted: int, prefill: int) -> float:
        """How long a step takes that makes a token for each of `decoding` requests and admits others, which bring
        `prefill` tokens to be read; their first token is part of it.
        """
        return self.base_s + self.token_s * (decoding + prefill) + self.request_s * admitted


TABLE_1 = Parameters()
