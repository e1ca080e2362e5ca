"""Free ports of this machine, and whether a given one is free."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from ops.kafka.properties import HOST


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now. Another process may take one before they are used: be ready to ask again."""
    with ExitStack() as held:
        # All are held until all are found, so that they differ.
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of this machine now."""
    with socket.socket() as probe:
        # As the JVM does: a port whose last connections are still fading counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True
