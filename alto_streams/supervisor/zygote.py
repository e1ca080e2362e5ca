"""A process that has imported everything the workers need and forks one for each request.

Importing Faust, numpy and the stages costs a second of processor time; forked workers pay it once, together, and share
the memory. The zygote has one thread and no Kafka client, ever: neither survives a fork.

Protocol, on one Unix-socket connection a child, one JSON object a line: the supervisor sends
`{"argv": [module, ...], "env": {...}, "log": path, "death_signal": n}` and gets `{"pid": n}`; then `{"signal": n}` as
often as it likes; at the end it gets `{"code": n}` and the connection closes.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from alto_streams.errors import AltoError
from alto_streams.supervisor.lifeline import die_with_parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--socket", required=True)
    parser.add_argument("--preload", nargs="*", default=[])
    options = parser.parse_args()
    for module in options.preload:
        load(module)
    gc.collect()
    gc.freeze()  # the collector would otherwise touch, and so copy, every shared page in every child
    with socket.socket(socket.AF_UNIX) as listener:
        Path(options.socket).unlink(missing_ok=True)  # an earlier zygote's; bind refuses to replace it
        mask = os.umask(0o077)
        listener.bind(options.socket)
        os.umask(mask)
        listener.listen(64)
        if (threads := _threads()) > 1:
            print(f"warning: an import started {threads - 1} threads, which no worker will have", file=sys.stderr)
        print(json.dumps({"zygote": options.socket}), flush=True)
        Zygote(listener).serve()
    return 0


def load(target: str) -> None:
    """Imports `module`, or `pipeline:TARGET`, the pipeline of the workers with all that its stages import."""
    if target.startswith("pipeline:"):
        from alto_streams.pipeline import load as load_pipeline

        load_pipeline(target.removeprefix("pipeline:"))
    else:
        import_module(target)


class Zygote:
    """Serves requests until it is signalled."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._unread: dict[socket.socket, bytes] = {}
        self._pids: dict[socket.socket, int] = {}
        self._wake, self._woken = os.pipe()
        for end in (self._wake, self._woken):
            os.set_blocking(end, False)

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        while True:
            watched: list[socket.socket | int] = [self._listener, self._wake, *self._unread]
            for source in select.select(watched, [], [])[0]:
                if source is self._listener:
                    self._unread[self._listener.accept()[0]] = b""
                elif isinstance(source, int):
                    os.read(self._wake, 4096)
                else:
                    self._read(source)
            self._reap()

    def _read(self, connection: socket.socket) -> None:
        try:
            got = connection.recv(65536)
        except ConnectionError:
            got = b""
        if not got:
            self._forget(connection)
            return
        *lines, self._unread[connection] = (self._unread[connection] + got).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "argv" in said:
                self._fork(connection, said)
            elif connection in self._pids:
                os.kill(self._pids[connection], said["signal"])

    def _fork(self, connection: socket.socket, request: dict[str, Any]) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(parent, request)
        self._pids[connection] = pid
        self._tell(connection, {"pid": pid})

    def _become(self, parent: int, request: dict[str, Any]) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            die_with_parent(parent, signal.Signals(request["death_signal"]))
            for inherited in (self._listener, *self._unread):
                inherited.close()
            os.close(self._wake)
            os.close(self._woken)
            _enter(request)
            code = _run(request["argv"])
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)  # nothing of the zygote's own must run in a child

    def _reap(self) -> None:
        """A child is reaped only here, so a signal sent above can never hit a later process of the same pid."""
        for connection, pid in list(self._pids.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._pids[connection]
                self._tell(connection, {"code": os.waitstatus_to_exitcode(status)})
                self._forget(connection)

    def _tell(self, connection: socket.socket, what: dict[str, int]) -> None:
        with contextlib.suppress(OSError):  # the supervisor may be gone; its death signal follows
            connection.sendall(json.dumps(what).encode() + b"\n")

    def _forget(self, connection: socket.socket) -> None:
        """Whoever hangs up does not want its child any more."""
        self._unread.pop(connection, None)
        pid = self._pids.get(connection)
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
        connection.close()


def _enter(request: dict[str, Any]) -> None:
    """Gives the child what an exec would have given it: session, output, environment, arguments."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.update(request["env"])
    from alto_streams.settings import settings

    settings.cache_clear()


def _run(argv: Sequence[str]) -> int:
    sys.argv = list(argv)
    try:
        code = import_module(argv[0]).main()
        return code if isinstance(code, int) else 0
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        print(leaving.code, file=sys.stderr)
        return 1


def _threads() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
