"""What Faust's consumer interface asks for the sake of tables and client-only apps: here it is refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from faust.transport import base
from faust.types import TP

from alto_streams.errors import SettingError


def refuse(what: str) -> NoReturn:
    raise SettingError(
        f"The alto:// transport has no {what}: it serves agents and streams without tables.",
        "use a kafka:// broker URL for this app",
    )


class StatelessConsumer(base.Consumer):
    """A consumer whose position is nobody's business: it follows from what is committed."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        return {}

    async def perform_seek(self) -> None:
        return None

    async def position(self, tp: TP) -> int | None:
        refuse("position of a partition")

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        refuse("seek")

    async def _seek(self, partition: TP, offset: int) -> None:
        refuse("seek")

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        refuse("changelogs to recover from")

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        refuse("changelogs to recover from")

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        await self.app.producer.create_topic(topic, partitions, replication, **options)

    def topic_partitions(self, topic: str) -> int | None:
        return None

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        return partition

    def verify_recovery_event_path(self, now: float, tp: TP) -> None:
        return None

    def close(self) -> None:
        return None

    async def wait_empty(self) -> None:
        """Returns at once: what is in hand at a stop is not acknowledged, and comes again."""

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def _to_message(self, tp: TP, record: Any) -> Any:
        refuse("fetcher of Faust's own")

    async def _getmany(self, active_partitions: Iterable[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109
        refuse("fetcher of Faust's own")

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        refuse("commit without metadata")
