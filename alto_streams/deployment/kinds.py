"""What a stage of each kind has in pipeline.yaml: a key that does nothing there is a mistake, and told as one."""

from __future__ import annotations

from alto_streams.deployment.marked_yaml import Marked
from alto_streams.deployment.topology import Stage

KINDS = {
    "map": ("prompt", "concurrency"),
    "filter": ("concurrency",),
    "expand": ("opens", "cut", "prompt", "concurrency"),
    "aggregate": (),
}


def check_kind(name: str, stage: Stage, key: Marked, places: dict[str, tuple[Marked, Marked]]) -> None:
    """`key` is the stage's name in the file, `places` its entries. Raises FileError."""
    if stage.kind not in KINDS:
        places["kind"][1].fail(f"stage '{name}' is of kind '{stage.kind}'.", f"use one of {', '.join(KINDS)}")
    for field in ("opens", "cut", "prompt", "concurrency"):
        if field in places and field not in KINDS[stage.kind]:
            places[field][0].fail(f"stage '{name}' is of kind {stage.kind}, which has no {field}.", "take it out")
    if not stage.reads:
        places["reads"][1].fail(f"stage '{name}' reads nothing.", "write reads: [source], or another stage")
    if stage.kind == "aggregate" and (len(stage.reads) > 1 or stage.reads[0].operator is not None):
        places["reads"][1].fail(
            f"stage '{name}' is an aggregate, which reads one stream, and folds it with what it runs.",
            "join the streams in a map, and aggregate that",
        )
    if stage.join is not None and len(stage.reads) < 2:
        places["join"][0].fail(f"stage '{name}' reads one stream, which there is nothing to join with.", "take it out")
    if stage.kind == "expand":
        _check_levels(name, stage, key, places)


def _check_levels(name: str, stage: Stage, key: Marked, places: dict[str, tuple[Marked, Marked]]) -> None:
    opens, cut, emits = len(stage.opens), len(stage.cut), len(stage.emits)
    if not opens:
        place = places["opens"][1] if "opens" in places else key
        place.fail(f"stage '{name}' is an expand, and opens no levels.", "write opens: [level]")
    if cut != opens and (cut or opens > 1):
        place = places["cut"][1] if cut else places["opens"][1]
        place.fail(f"stage '{name}' opens {opens} levels, and is cut at {cut} quanta.", "name one quantum a level")
    if cut and emits != cut:
        place = places["emits"][1] if emits else key
        place.fail(
            f"stage '{name}' cuts text at {cut} quanta, and emits {emits} types.", "write emits: [module:Message]"
        )
