"""How the topics and consumer groups of a pipeline are named."""

from __future__ import annotations


def questions(pipeline: str) -> str:
    """Where questions enter."""
    return f"{pipeline}.questions"


def verified_claims(pipeline: str) -> str:
    """Where verified claims and outcomes leave."""
    return f"{pipeline}.verified-claims"


def progress(pipeline: str) -> str:
    """Where the partial outputs that a user may watch (sentences, claims) appear."""
    return f"{pipeline}.progress"


def dead_letters(pipeline: str) -> str:
    """Where records that no stage could use are kept, with their headers."""
    return f"{pipeline}.dead-letters"


def routing(pipeline: str) -> str:
    """Where the numbered routing tables are published."""
    return f"{pipeline}.routing"


def stage_input(pipeline: str, stage: str) -> str:
    """What one stage reads; partition i is the inbox of its instance slot i."""
    return f"{pipeline}.stage.{stage}"


def group(pipeline: str, stage: str) -> str:
    """The consumer group that the instances of one stage form."""
    return f"{pipeline}.{stage}"
