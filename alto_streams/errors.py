"""The errors that a user of alto-streams can meet; each names what is at fault and the mend."""

from __future__ import annotations


class AltoError(Exception):
    """Base of all errors meant for people: `message` says what is wrong and where, `mend` what to do about it."""

    def __init__(self, message: str, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message} Mend: {self.mend}" if self.mend else self.message


class PipelineError(AltoError):
    """The pipeline's graph cannot work; raised when it is built."""


class SettingError(AltoError):
    """A setting has no usable value."""


class BrokerError(AltoError):
    """Kafka cannot be started, reached or provisioned."""


class ProgressError(AltoError):
    """What is committed of a partition cannot be read."""


class AssetError(AltoError):
    """A data file (weights, corpus, encoder) is missing, corrupt or cannot be fetched."""


class EngineError(AltoError):
    """A language-model engine cannot start or cannot answer."""


class InvalidInput(AltoError):
    """A record that a stage cannot read or must not accept."""

    def __init__(self, kind: str, message: str, mend: str = "") -> None:
        super().__init__(message, mend)
        self.kind = kind
