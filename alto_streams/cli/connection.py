"""Which broker a command talks to: the one that is set, or that of the stack that runs in ALTO_HOME."""

from __future__ import annotations

from alto_streams.errors import AltoError
from alto_streams.settings import settings
from alto_streams.supervisor import control


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


def brokers_and_pipeline() -> tuple[str, str]:
    """The broker to use and the name of the pipeline, from the running stack where there is one."""
    chosen = settings()
    brokers = running_brokers()
    state = control.running(chosen.home)
    if state is not None and state.brokers == brokers and state.pipeline:
        return brokers, state.pipeline
    from alto_streams.pipeline import load

    return brokers, load(chosen.pipeline).name
