"""YAML whose every value knows its line and column, so that an error can say where in the file it is."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml  # type: ignore[import-untyped]

from alto_streams.errors import SettingError

SYNTAX = "mend the YAML there; docs/deployment.md shows a file that works"
MOST = 9999  # of anything that a file counts
DEEPEST = 20


class FileError(SettingError):
    """A file of the deployment cannot be used; `line` and `column`, from 1, say where it is wrong."""

    def __init__(self, file: str, line: int, column: int, problem: str, mend: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {problem}", mend)
        self.file, self.line, self.column = file, line, column


@dataclass(frozen=True)
class Marked:
    """One node of a file. Each method reads it as one type, and raises FileError where it is another."""

    file: str
    node: Any  # of PyYAML, which says nothing of its types

    def fail(self, problem: str, mend: str) -> NoReturn:
        mark = self.node.start_mark
        raise FileError(self.file, mark.line + 1, mark.column + 1, problem, mend)

    def mapping(self, what: str, known: Collection[str] | None = None) -> dict[str, tuple[Marked, Marked]]:
        """Key and value by key. With `known`, no other key is allowed."""
        if self.node.tag != "tag:yaml.org,2002:map" or not isinstance(self.node, yaml.MappingNode):
            self.fail(f"{what} must be a mapping, not {self.said()}.", "write one `name: value` a line below it")
        found: dict[str, tuple[Marked, Marked]] = {}
        for key_node, value_node in self.node.value:
            key = Marked(self.file, key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                key.fail(f"a key of {what} must be a name, not {key.said()}.", "write `name: value`")
            name = str(key_node.value)
            if known is not None and name not in known:
                key.fail(f"{what} has no key '{name}'.", f"use one of {', '.join(known)}")
            if name in found:
                first = found[name][0].node.start_mark.line + 1
                key.fail(f"'{name}' is here twice; line {first} has it too.", "keep one of the two")
            found[name] = key, Marked(self.file, value_node)
        return found

    def is_mapping(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def is_list(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def items(self, what: str) -> list[Marked]:
        if self.node.tag != "tag:yaml.org,2002:seq" or not isinstance(self.node, yaml.SequenceNode):
            self.fail(f"{what} must be a list, not {self.said()}.", "write it as [a, b], or one `- item` a line")
        return [Marked(self.file, item) for item in self.node.value]

    def text(self, what: str) -> str:
        if self.node.tag != "tag:yaml.org,2002:str":
            self.fail(
                f"{what} must be text, not {self.said()}.", "write a name, in quotes where it looks like a number"
            )
        return str(self.node.value)

    def plain(self, what: str) -> Any:
        """Whatever stands there, as Python has it."""
        try:
            return yaml.constructor.SafeConstructor().construct_document(self.node)
        except yaml.MarkedYAMLError as error:
            self.fail(f"{what} cannot be read: {error.problem}.", SYNTAX)

    def positive(self, what: str) -> int:
        # YAML 1.1 also reads 010 as 8 and 1:30 as 90, which nobody means here.
        if self.node.tag != "tag:yaml.org,2002:int" or not re.fullmatch(r"[1-9][0-9]{0,3}", self.node.value):
            self.fail(
                f"{what} must be a whole number from 1 to {MOST}, not {self.said()}.", f"write for example {what}: 2"
            )
        return int(self.node.value)

    def said(self) -> str:
        """What stands there, for an error."""
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        value = str(self.node.value)
        if not value:
            return "nothing" if self.node.tag.endswith(":null") else "empty text"
        value = " ".join(value.split())
        return f"'{value if len(value) <= 40 else value[:37] + '...'}'"


def read_text(path: Path) -> str:
    """The text of a file. Raises SettingError where there is none, FileError where it is no text."""
    try:
        found = path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}.", "name a file that is there") from None
    try:
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = found[: error.start].decode("utf-8-sig", "replace")
        raise _at_end_of(str(path), before, "this is not UTF-8.", "save the file as UTF-8") from None


def compose(text: str, file: str) -> Marked:
    """The one document in `text`. Raises FileError where it is no YAML, or uses what these files have no need of."""
    try:
        _check_plain(text, file)
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark, problem = error.problem_mark or error.context_mark, str(error.problem or error.context)
        if "'\\t'" in problem:
            _fail(file, mark, "a tab, which YAML does not allow there.", "use spaces")
        _fail(file, mark, f"this is not YAML: {problem}.", SYNTAX)
    except yaml.reader.ReaderError as error:
        problem = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML."
        raise _at_end_of(file, text[: error.position], problem, "take it out") from None
    if node is None:
        raise FileError(file, 1, 1, "the file is empty.", "docs/deployment.md shows what goes into it")
    return Marked(file, node)


def _check_plain(text: str, file: str) -> None:
    """Refuses aliases, which would give an error the place of the anchor, and depths that PyYAML cannot recurse to."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            _fail(file, event.start_mark, f"an alias (*{event.anchor}) is not read here.", "write the value out")
        if depth > DEEPEST:
            _fail(file, event.start_mark, "this is nested too deeply.", SYNTAX)


def _fail(file: str, mark: Any, problem: str, mend: str) -> NoReturn:
    raise FileError(file, mark.line + 1, mark.column + 1, problem, mend) from None


def _at_end_of(file: str, before: str, problem: str, mend: str) -> FileError:
    lines = re.split(r"\r\n|\r|\n", before)
    return FileError(file, len(lines), len(lines[-1]) + 1, problem, mend)
