"""A partition through crashes, takeovers, compaction and retention, against a model made of sets of offsets."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alto_streams.offsets import OffsetLedger
from alto_streams.progress import Progress, decode, encode, window

LIMIT = 44  # bytes of metadata: a window that is soon full


class Partition(RuleBasedStateMachine):
    """The log, the broker's committed offset with its metadata, and one owner after another."""

    @initialize(start=st.integers(0, 3))
    def begin(self, start: int) -> None:
        self.log: list[int] = []  # offsets of the records that exist
        self.end = start
        self.committed: tuple[int, str] | None = None
        self.done_at_commit: frozenset[int] = frozenset()
        self.done: set[int] = set()  # acknowledged, whoever did it
        self.scopes: list[frozenset[int]] = []  # acknowledged together
        self.attempt = 0
        self.take_over()

    def take_over(self) -> None:
        resumed = decode(*self.committed) if self.committed else None
        self.check_scopes(resumed)
        self.ledger = OffsetLedger(resumed)
        self.done = set(self.done_at_commit)
        self.scopes = [scope for scope in self.scopes if scope <= self.done]  # the others are to be done anew
        self.attempt += 1
        self.in_hand: set[int] = set()
        self.position = resumed.offset if resumed else 0
        self.last_read = -1
        self.known = resumed.known if resumed else None
        self.awaited = set(resumed.unfinished) if resumed else set()
        if resumed:
            assert self.ledger.progress(resumed.attempt) == resumed

    def check_scopes(self, resumed: Progress | None) -> None:
        """Of what was acknowledged together, all that still exists comes back, or none."""
        ledger = OffsetLedger(resumed)
        again = {o for o in self.log if o >= (resumed.offset if resumed else 0) and ledger.arrived(o)}
        for scope in self.scopes:
            left = scope.intersection(self.log)
            assert left <= again or not left & again

    @rule(gaps=st.lists(st.integers(1, 4), min_size=5, max_size=15), at_most=st.integers(1, 20))
    def append_and_read(self, gaps: list[int], at_most: int) -> None:
        self.append(gaps)
        self.read(at_most)

    def append(self, gaps: list[int]) -> None:
        for gap in gaps:
            self.end += gap
            self.log.append(self.end - 1)

    def read(self, at_most: int) -> None:
        for offset in [offset for offset in self.log if offset >= self.position][:at_most]:
            if not self.ledger.admits(offset, window(LIMIT)):
                assert self.in_hand
                break
            assert self.ledger.arrived(offset) == (offset not in self.done_at_commit)
            if offset not in self.done_at_commit:
                self.in_hand.add(offset)
            self.position, self.last_read = offset + 1, offset
            self.known = max(self.known or 0, offset + 1)

    @precondition(lambda self: self.in_hand)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        scope = data.draw(st.sets(st.sampled_from(sorted(self.in_hand)), min_size=1, max_size=8))
        for offset in data.draw(st.permutations(sorted(scope))):
            self.ledger.acknowledge(offset)
        self.in_hand -= scope
        self.done |= scope
        self.scopes.append(frozenset(scope))
        for offset in data.draw(st.sets(st.sampled_from([0, *self.unfinished(), self.end]), max_size=3)) - self.in_hand:
            self.ledger.acknowledge(offset)

    @rule()
    def commit(self) -> None:
        progress = self.ledger.progress(self.attempt)
        if progress is None:
            return
        text = encode(progress)
        assert len(text) <= LIMIT
        assert decode(progress.offset, text) == progress
        assert progress.attempt == self.attempt
        self.committed, self.done_at_commit = (progress.offset, text), frozenset(self.done)

    @rule(crash=st.booleans())
    def change_owner(self, crash: bool) -> None:
        if not crash:
            self.commit()
        self.take_over()

    @precondition(lambda self: self.log)
    @rule(data=st.data(), oldest=st.booleans())
    def remove(self, data: st.DataObject, oldest: bool) -> None:
        """As retention does with the oldest records, or compaction with any."""
        removed = (
            self.log[: data.draw(st.integers(1, 1 + len(self.log) // 3))]
            if oldest
            else data.draw(st.sets(st.sampled_from(self.log), min_size=1, max_size=4))
        )
        self.log = [offset for offset in self.log if offset not in removed]

    def unfinished(self) -> list[int]:
        """What is in hand, and what the last owner left that may still come."""
        return sorted(self.in_hand | {o for o in self.awaited if o > self.last_read})

    @invariant()
    def nothing_undone_is_passed(self) -> None:
        progress = self.ledger.progress(self.attempt)
        if progress is None:
            return
        for offset in {*self.log, *self.in_hand} - self.done:
            assert offset in progress.unfinished or offset >= progress.known

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        unfinished = self.unfinished()
        assert self.ledger.in_flight == len(self.in_hand)
        assert self.ledger.awaiting == len(unfinished) - len(self.in_hand)
        assert self.ledger.committable() == (unfinished[0] if unfinished else self.known)
        if self.known is not None:
            assert self.ledger.progress(1) == Progress(
                unfinished[0] if unfinished else self.known, 1, tuple(unfinished), self.known
            )
            assert self.ledger.span <= window(LIMIT)

    def teardown(self) -> None:
        """In the end all that exists is delivered and acknowledged, and nothing is left to remember."""
        if not hasattr(self, "ledger"):
            return
        self.append([1])
        while self.in_hand or self.position < self.end:
            self.read(7)
            self.done |= self.in_hand
            for offset in sorted(self.in_hand, reverse=True):
                self.ledger.acknowledge(offset)
            self.in_hand.clear()
        assert self.done.issuperset(self.log)
        assert self.ledger.progress(self.attempt) == Progress(self.end, self.attempt)


TestPartition = Partition.TestCase
TestPartition.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
