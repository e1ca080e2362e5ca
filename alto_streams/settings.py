"""Every setting that a user may turn, read from the environment (`ALTO_*`) and checked."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from alto_streams.errors import SettingError

PIPELINE_FILES = (".yaml", ".yml")  # an ALTO_PIPELINE that ends so is a file


def _trace(given: str) -> str:
    """A folder must look like one, or a misspelt `otlp` would become one."""
    if given in ("", "otlp"):
        return given
    if "/" not in given:
        raise ValueError("it is neither otlp nor a path with a slash in it")
    return str(Path(given).expanduser().absolute())


class Settings(BaseSettings):
    """The settings of one stack. Paths may start with `~`."""

    model_config = SettingsConfigDict(env_prefix="ALTO_", extra="ignore")

    pipeline: str = Field("stages.graph:pipeline", description="The pipeline: module:attribute, or a pipeline.yaml.")
    brokers: str = Field("", description="host:port[,host:port] of an existing Kafka; empty starts an embedded one.")
    home: Path = Field(
        Path("~/.local/state/alto-streams"),
        description="Where a running stack keeps its broker data, logs and process ids.",
    )
    cache: Path = Field(Path("~/.cache/alto-streams"), description="Where downloads and indexes are kept between runs.")
    model: Annotated[Path | None, BeforeValidator(lambda given: given or None)] = Field(
        None, description="A GGUF file to use in place of the embedded 135M model."
    )
    engine_url: str = Field(
        "",
        description="An OpenAI-compatible server to use in place of the embedded engine; emulated: makes answers up.",
    )
    engine_model: str = Field("default", description="The model's name at that server.")
    engine_api_key: SecretStr = Field(SecretStr(""), description="The key that this server asks for, if it does.")
    engine_threads: int = Field(1, ge=1, description="Processor threads of the embedded engine.")
    engine_slots: int = Field(4, ge=1, description="Requests that the embedded engine serves at once.")
    engine_context: int = Field(2048, ge=256, description="Tokens of context for each slot.")
    deadline_ms: int = Field(120_000, ge=1000, description="Milliseconds that a question may take by default.")
    max_question_chars: int = Field(2000, ge=1, description="The longest question accepted.")
    group_protocol: Literal["classic", "consumer"] = Field(
        "classic",
        description="How instances share partitions: 'consumer' is Kafka 4's own protocol, which moves them sooner and "
        "is what alto up uses with its own broker; 'classic' works with every broker.",
    )
    session_timeout_s: float = Field(
        6.0,
        ge=1,
        description="Seconds of silence after which the classic protocol gives an instance's partitions to others. "
        "Brokers accept 6 or more unless group.min.session.timeout.ms is lower.",
    )
    deployment: Annotated[Path | None, BeforeValidator(lambda given: given or None)] = Field(
        None, description="A deployment.yaml: instances of stages and pools."
    )
    instances: str = Field(
        "",
        description="Instances of stages as STAGE=N[,STAGE=N]; wins over the deployment file for the stages it names. "
        "A stage that neither names has one.",
    )
    streaming: bool = Field(
        True,
        description="Send partial outputs on at once. 0: every stage waits until it has written its whole output, as "
        "systems do that streaming is measured against.",
    )
    fork_workers: bool = Field(True, description="Fork the workers from one warm process.")
    health_port: int = Field(
        0, ge=0, le=65535, description="A port on which a worker says how it fares (GET /health); 0: none."
    )
    log_level: str = Field("info", description="debug, info, warning or error.")
    trace: Annotated[str, AfterValidator(_trace)] = Field(
        "", description="Where spans go: otlp, or a folder for JSON lines; empty: nowhere."
    )
    trace_share: float = Field(1.0, ge=0, le=1, description="The share of the questions that are traced.")

    def model_post_init(self, _context: object) -> None:
        if self.pipeline.endswith(PIPELINE_FILES):
            self.pipeline = str(Path(self.pipeline).expanduser().absolute())
        self.home = self.home.expanduser().absolute()
        self.cache = self.cache.expanduser().absolute()
        if self.model is not None:
            self.model = self.model.expanduser().absolute()
        if self.deployment is not None:
            self.deployment = self.deployment.expanduser().absolute()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings. Raises SettingError naming the variable at fault."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "ALTO_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingError(
            f"{name}={first['input']!r} is not usable: {first['msg']}.", f"set {name} to a valid value"
        ) from None
