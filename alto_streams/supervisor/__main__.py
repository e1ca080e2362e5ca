"""`python -m alto_streams.supervisor` runs the stack of ALTO_HOME until SIGTERM; `alto up` starts it."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from alto_streams.errors import AltoError


def main() -> int:
    from alto_streams.settings import settings
    from alto_streams.supervisor.stack import bring_up
    from alto_streams.supervisor.supervisor import serve

    try:
        chosen = settings()
        asyncio.run(serve(chosen.home, partial(bring_up, chosen=chosen)))
    except AltoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
