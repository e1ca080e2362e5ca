"""A command group that imports a command's module only when that command is called, so that `--help` is instant."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command as build


class LazyGroup(TyperGroup):
    """Subclasses list their commands in `lazy`: name -> ("module:attribute", one line of help)."""

    lazy: ClassVar[dict[str, tuple[str, str]]]

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the group's help needs to know; the real command comes from `resolve_command`."""
        if cmd_name not in self.lazy:
            return None
        return TyperCommand(cmd_name, help=self.lazy[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in self.lazy:
            command = load(name, self.lazy[name][0])
        return name, command, rest


def load(name: str, target: str) -> Any:
    """The command at `module:attribute`, which is a typer app or a function that typer can call."""
    module, _, attribute = target.partition(":")
    found: typer.Typer | Callable[..., Any] = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        app.command(name)(found)
        found = app
    command = build(found)
    command.name = name
    return command
