"""An Apache Kafka broker of one's own: started from Python packages alone, kept in one folder, on this machine only."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from types import TracebackType

from alto_streams.errors import BrokerError
from ops.kafka import jars, jvm, storage, warm
from ops.kafka.ports import free_ports, is_free
from ops.kafka.properties import HOST, port_in, server_properties

_ATTEMPTS = 3


class EmbeddedKafka:
    """One broker and its controller in one JVM.

    `folder` holds everything: `data/` (records), `logs/server.log` (`.1`: the start before), `server.properties`,
    `kafka.pid`. Start it again on the same folder and the records are there. Without `port`, the last one of the
    folder is used again if it is free, else a free one. `heap` is the JVM's largest heap. `cache` is where the jars
    are kept (the setting's by default); `progress` is called with bytes done and bytes in all while they are fetched.

        with EmbeddedKafka(Path("kafka")) as kafka:
            producer = Producer({"bootstrap.servers": kafka.bootstrap})
    """

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        heap: str = "256m",
        *,
        cache: Path | None = None,
        progress: jars.Progress | None = None,
        start_limit_s: float = 60.0,
        stop_limit_s: float = 10.0,
    ) -> None:
        self.folder = folder.absolute()
        self._wanted_port = port
        self._heap = heap
        self._cache = cache
        self._progress = progress
        self._start_limit_s = start_limit_s
        self._stop_limit_s = stop_limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def bootstrap(self) -> str:
        """host:port for clients. Raises BrokerError before the start."""
        self._running()
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int:
        """The JVM's process id; the JVM is a child of this process. Raises BrokerError before the start."""
        return self._running().pid

    @property
    def log(self) -> Path:
        """Where the broker's output goes."""
        return self.folder / "logs" / "server.log"

    def start(self) -> None:
        """Returns when the broker answers: 2 to 3 s, or with the first download on a machine half a minute.

        Raises BrokerError (port taken, folder in use, disk full, storage damaged) or AssetError (jars).
        """
        if self._process is not None:
            raise BrokerError(f"The broker in {self.folder} is started already.", "stop it first")
        ready = warm.prepare(self._cache, self._progress)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._start(ready)
                return
            except jvm.PortTaken:
                # Somebody was faster between our look and the JVM's: only a port of our own choice may change.
                if self._wanted_port is not None or attempt == _ATTEMPTS:
                    raise
            except OSError as error:
                raise self._unwritable(error) from error

    def stop(self) -> None:
        """Stops the broker in order and waits for its end; kills it after the limit. Does nothing when it is over."""
        process, self._process = self._process, None
        if process is None:
            return
        jvm.end(process, self._stop_limit_s)
        self._pid_file.unlink(missing_ok=True)

    def __enter__(self) -> EmbeddedKafka:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _pid_file(self) -> Path:
        return self.folder / "kafka.pid"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise BrokerError(f"The broker in {self.folder} is not started.", "call start() first")
        return self._process

    def _start(self, ready: warm.Warm) -> None:
        data, settings = self.folder / "data", self.folder / "server.properties"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        storage.refuse_if_in_use(data, self._pid_file)
        self._port, controller = self._choose_ports(settings)
        cluster = storage.prepare_storage(data, ready.checkpoint)
        settings.write_text(server_properties(data, self._port, controller))
        if self.log.exists():
            self.log.replace(self.log.with_name("server.log.1"))
        self._process = jvm.launch(
            ready.jars, "kafka.Kafka", (str(settings),), heap=self._heap, log=self.log, options=ready.options
        )
        try:
            self._pid_file.write_text(f"{self._process.pid}\n")
            jvm.wait_until_answers(self._process, f"{HOST}:{self._port}", cluster, self.log, self._start_limit_s)
        except BaseException:
            self.stop()
            raise

    def _choose_ports(self, settings: Path) -> tuple[int, int]:
        port, controller = free_ports(2)
        if self._wanted_port is not None:
            if not is_free(self._wanted_port):
                raise jvm.PortTaken(
                    f"Port {self._wanted_port} of {HOST} is taken by another process.",
                    f"stop that process (`ss -ltnp 'sport = :{self._wanted_port}'` names it), or choose another port",
                )
            return self._wanted_port, controller
        last = port_in(settings.read_text(errors="replace")) if settings.exists() else None
        return (last if last is not None and is_free(last) else port), controller

    def _unwritable(self, error: OSError) -> BrokerError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return BrokerError(
                f"Kafka cannot write under {self.folder}: the disk is full.",
                "free 200 MB there, or set ALTO_HOME to a folder on a larger disk",
            )
        return BrokerError(
            f"Kafka cannot use the folder {self.folder}: {error.strerror or error} ({error.filename}).",
            "make that folder writable, or set ALTO_HOME to another one",
        )
