"""Which message each type of a pipeline's output and progress topics is: what a client must know to read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alto_streams.errors import PipelineError
from alto_streams.signatures import signature
from schemas.claim_pb2 import Claim
from schemas.outcome_pb2 import Outcome
from schemas.sentence_pb2 import Sentence
from schemas.verified_claim_pb2 import VerifiedClaim

if TYPE_CHECKING:
    from alto_streams.pipeline import Pipeline

OUTCOME = "outcome"


@dataclass(frozen=True)
class EventTypes:
    """Message classes by type; None, or bytes, where the pipeline does not say which message it is."""

    items: Mapping[str, Any]
    outcome: Any

    @classmethod
    def of(cls, pipeline: Pipeline) -> EventTypes:
        """Raises PipelineError where one type stands for two messages."""
        items: dict[str, Any] = {}
        output = [] if pipeline.result is None else [(pipeline.result, pipeline.result_type)]
        for stream, type in (*pipeline.published, *output):
            if type == OUTCOME or items.setdefault(type, stream.type) is not stream.type:
                other = "the outcome" if type == OUTCOME else getattr(items[type], "__name__", "bytes")
                raise PipelineError(
                    f"Pipeline '{pipeline.name}' shows '{stream.node.name}' under type '{type}', which is {other} too.",
                    "publish each message under a type of its own",
                )
        return cls(items, None if pipeline.conclude is None else signature(pipeline.conclude).result)

    @property
    def factool(self) -> bool:
        """Whether they are those of FacTool, which has events of its own."""
        return self == FACTOOL


FACTOOL = EventTypes({"sentence": Sentence, "claim": Claim, "verified_claim": VerifiedClaim}, Outcome)
