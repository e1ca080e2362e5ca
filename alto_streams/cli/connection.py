"""Which broker a command talks to: the one that is set, or that of the stack that runs in ALTO_HOME."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alto_streams.errors import AltoError
from alto_streams.settings import settings
from alto_streams.supervisor import control

if TYPE_CHECKING:
    from alto_streams.pipeline import Pipeline


def running_brokers() -> str:
    """host:port of the broker to use. Raises AltoError when none is set and no stack runs."""
    chosen = settings()
    if chosen.brokers:
        return chosen.brokers
    state = control.running(chosen.home)
    if state is None:
        raise AltoError(
            f"no stack runs in {chosen.home}.", "start one with `alto up`, or set ALTO_BROKERS to an existing Kafka"
        )
    if state.phase != "running":
        raise AltoError(f"the stack in {chosen.home} is {state.phase}.", "try again when `alto status` says running")
    return state.brokers


def chosen_pipeline() -> str:
    """ALTO_PIPELINE where it is set, else what the running stack runs, else the default."""
    chosen = settings()
    state = None if "pipeline" in chosen.model_fields_set else control.running(chosen.home)
    return (state.target if state is not None else "") or chosen.pipeline


def brokers_and_pipeline(brokers: str = "") -> tuple[str, Pipeline]:
    """The broker to use and the pipeline: that of the running stack, where it uses this broker."""
    from alto_streams.pipeline import load

    chosen = settings()
    brokers = brokers or running_brokers()
    state = control.running(chosen.home)
    ours = state is not None and state.brokers == brokers and state.target
    return brokers, load(state.target if state is not None and ours else chosen.pipeline)
