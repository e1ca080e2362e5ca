"""What makes a whole graph unfit to be deployed, beyond what each step of it has checked already."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from alto_streams.errors import PipelineError
from alto_streams.failure import Failure
from alto_streams.matching import shown
from alto_streams.pipeline import Pipeline, Stream
from alto_streams.signatures import check_items


def check_graph(pipeline: Pipeline) -> None:
    """Raises PipelineError, with the stage and the mend."""
    if pipeline.result is None or pipeline.conclude is None:
        raise PipelineError(f"Pipeline '{pipeline.name}' has no output.", "call pipeline.output(...)")
    _check_no_cycle(pipeline)
    _check_source(pipeline)
    _check_conclude(pipeline.name, pipeline.conclude)
    check_items(pipeline.name, pipeline.conclude, pipeline.result.type)


def _check_no_cycle(pipeline: Pipeline) -> None:
    """A stream is made from others, so that each comes after what it reads, unless somebody changed a node by force."""
    before = {id(pipeline.source)}
    for stream in pipeline.streams:
        for read in _emitters(stream.node.inputs[0]):
            if id(read) not in before:
                raise PipelineError(
                    f"Stage '{stream.node.name}' reads '{read.node.name}', which comes after it: a cycle has no end.",
                    "unroll the loop to a depth, with one stage for each round: see examples/pipelines/multi_hop.py",
                )
        before.add(id(stream))


def _emitters(stream: Stream) -> Iterator[Stream]:
    """The streams that stages emit, of which a stream that they read is made."""
    if stream.node.kind in ("join", "cut"):
        for one in stream.node.inputs:
            yield from _emitters(one)
    else:
        yield stream


def _check_conclude(pipeline: str, conclude: Callable[..., Any]) -> None:
    """Better now than at the first question that fails."""
    try:
        outcome = conclude("question", [], Failure("coordinator", "check", "Would this be told?"))
    except Exception as error:
        raise PipelineError(
            f"The outcome of pipeline '{pipeline}' cannot say that a question failed: {type(error).__name__}: {error}.",
            "let conclude(question_id, items, failure) take no items and a failure (stage, kind, message)",
        ) from error
    if not isinstance(outcome, bytes) and not hasattr(outcome, "SerializeToString"):
        raise PipelineError(
            f"The outcome of pipeline '{pipeline}' is no message: conclude gave {type(outcome).__name__}.",
            "return a Protobuf message, or bytes",
        )


def _check_source(pipeline: Pipeline) -> None:
    if not _is_message(pipeline.source.type):
        raise PipelineError(
            f"The source of pipeline '{pipeline.name}' is {shown(pipeline.source.type)}, which is no message.",
            "write Pipeline(name, source=...) with a Protobuf message, or bytes",
        )


def check_message(stage: str, type: Any, mend: str = "let it give a Protobuf message, or bytes") -> None:
    """What a stage emits travels on a topic."""
    if not _is_message(type):
        raise PipelineError(f"Stage '{stage}' results in {shown(type)}, which is no message and cannot be sent.", mend)


def _is_message(type: Any) -> bool:
    """A type that is not annotated is taken on trust."""
    return type in (None, bytes) or (hasattr(type, "SerializeToString") and hasattr(type, "FromString"))
