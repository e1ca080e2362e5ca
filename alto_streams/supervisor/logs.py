"""One log file a process, from one start of the stack to the next; the run before is kept beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path

TAIL_BYTES = 64 * 1024


def fresh_log(home: Path, name: str) -> Path:
    """The empty log of process `name`; an earlier one becomes `NAME.log.1`."""
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{name}.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    log.touch()
    return log


def since(log: Path, offset: int) -> str:
    """What was written after byte `offset`, at most its last 64 KiB."""
    with log.open("rb") as lines:
        end = lines.seek(0, os.SEEK_END)
        lines.seek(max(offset, end - TAIL_BYTES))
        return lines.read().decode(errors="replace")


def last_line(text: str) -> str:
    """The last line that says something; the final line of a traceback is its message.

    >>> last_line("a\\nboom\\n\\n")
    'boom'
    >>> last_line('{"error": "No broker.", "mend": "start one", "event": "failed"}')
    'No broker. Mend: start one'
    """
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return _plain(said[-1]) if said else ""


def _plain(line: str) -> str:
    """What a line of a structured log says, where it tells of an error."""
    try:
        told = json.loads(line)
        return " Mend: ".join(filter(None, (told["error"], told.get("mend"))))
    except (ValueError, KeyError, TypeError):
        return line
