"""Groups of commands whose modules are imported when they run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from cli.imports import imported


class Lazy(NamedTuple):
    """A command that has yet to be imported.

    Attributes:
        module: the name of its module, whose `app` it is, or else the function of the command's name.
        help: its line in the list of commands.
        epilog: the end of its help; a module with an `app` gives its own.
    """

    module: str
    help: str
    epilog: str = ""


class LazyGroup(TyperGroup):
    """A group that imports a command when it runs, and none to list them. A subclass names the commands."""

    lazy: ClassVar[Mapping[str, Lazy]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, help=one.help) for name, one in self.lazy.items()}

    def load(self, name: str) -> None:
        """Import a command and put it in the place of its line of help."""
        one = self.lazy[name]
        module = imported(one.module)
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False)
            app.command(name, epilog=one.epilog)(getattr(module, name))
        self.commands[name] = typer.main.get_command(app)

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]  # click's types are private in typer
        """Return the command of this command line, imported."""
        if args and args[0] in self.lazy:
            self.load(args[0])
        return super().resolve_command(ctx, args)
