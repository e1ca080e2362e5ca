"""Finds what is to be simulated: a `Simulated`, a function of the seed that makes one, or a pipeline with questions."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from alto_streams.engines.emulated import EmulatedEngine
from alto_streams.engines.emulated.clock import VirtualClock
from alto_streams.errors import PipelineError
from alto_streams.pipeline import Pipeline
from alto_streams.testing.simulated import Case, Simulated

ATTRIBUTE = "simulation"


def load(target: str, questions: str | None = None) -> Case | Simulated:
    """What lies at `module:attribute`, by default at the module's `simulation`. `questions` is the name of a file with
    one question a line, for a pipeline that brings none. Raises PipelineError.
    """
    name, _, attribute = target.partition(":")
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path:  # the command `alto` has not got it, unlike `python -m`
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(name), attribute or ATTRIBUTE)
    except (ImportError, AttributeError, ValueError) as error:
        raise PipelineError(
            f"There is nothing to simulate at '{target}': {error}.",
            "give module:attribute, where the attribute is a Simulated(pipeline, questions), or a function of the seed "
            "that makes one, or a pipeline (then with --questions)",
        ) from error
    if isinstance(found, Pipeline):
        return _asked(found, target, questions)
    if isinstance(found, Simulated):
        return found
    if callable(found):
        case: Case = found
        return case
    raise PipelineError(
        f"'{target}' is a {type(found).__name__}, which cannot be simulated.",
        "make it a Simulated(pipeline, questions)",
    )


def _asked(pipeline: Pipeline, target: str, questions: str | None) -> Simulated:
    """The pipeline with the questions of a file, and an emulated language model."""
    if questions is None:
        raise PipelineError(f"Pipeline '{target}' comes without questions.", "give --questions FILE, one a line")
    lines = [line for line in Path(questions).read_text().splitlines() if line.strip()]
    if not lines:
        raise PipelineError(f"File '{questions}' has no questions.", "write one a line")
    asked = {f"q{number}": _message(pipeline.source.type, line) for number, line in enumerate(lines, 1)}
    return Simulated(pipeline, asked, EmulatedEngine(clock=VirtualClock()))


def _message(type: Any, line: str) -> Any:
    """Bytes as they are; a message from JSON, or by its field `text`."""
    if type in (None, bytes):
        return line.encode()
    if not line.lstrip().startswith("{"):
        return type(text=line)
    from google.protobuf.json_format import Parse

    return Parse(line, type())
