"""What the README shows is what the repository holds."""

from __future__ import annotations

import re
from pathlib import Path

from alto_streams.describe import mermaid
from alto_streams.pipeline import load
from alto_streams.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def test_the_example_is_the_file_that_runs_as_a_test() -> None:
    shown = README.split("<!-- examples/plain_kafka.py -->\n```python\n")[1].split("```")[0]
    assert shown == (ROOT / "examples/plain_kafka.py").read_text()


def test_every_setting_is_named() -> None:
    for name in Settings.model_fields:
        assert f"`ALTO_{name.upper()}`" in README, f"ALTO_{name.upper()} is not in the README's table"


def test_pictures_are_those_that_the_pipelines_print() -> None:
    picture = re.compile(r"<!-- (\S+:pipeline) -->\n```mermaid\n(.*?)\n```", re.DOTALL)
    shown = {target: drawn for page in PAGES for target, drawn in picture.findall(page.read_text())}
    examples = [path.stem for path in (ROOT / "examples/pipelines").glob("*.py") if "Pipeline(" in path.read_text()]
    assert shown.keys() == {"stages.graph:pipeline", *(f"examples.pipelines.{name}:pipeline" for name in examples)}
    for target, drawn in shown.items():
        assert drawn == mermaid(load(target)), f"print it anew: ALTO_PIPELINE={target} alto pipeline show -f mermaid"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
