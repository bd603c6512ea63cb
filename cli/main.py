"""The command line: `xswarm`, also called `cli`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import typer
from typer.core import TyperCommand, TyperGroup

from cli.failures import ExitCode, exit_code, sentence
from cli.options import example
from supervisor.protocol.errors import XswarmError

COMMANDS = {
    "serve": ("cli.commands.serve", "Run the daemon in the foreground."),
    "init": ("cli.commands.init", "Ask, then write config.toml."),
    "doctor": ("cli.commands.doctor", "Look at everything that can be looked at, and say what to do."),
    "claude": ("cli.claude.app", "Claude Code sessions: start, talk, watch, stop, and what they cost."),
    "user": ("cli.commands.user", "People: who they are, how they are reached, what they may do."),
    "token": ("cli.commands.token", "Credentials: tokens for services and users, and JWTs for the admin chat."),
    "route": ("cli.commands.route", "Say where a message would go, and why."),
    "db": ("cli.commands.db", "The database: copies of it, and whether it is sound."),
    "audit": ("cli.commands.audit", "The audit trail: whether it is whole, and a copy of it."),
}
"""Name to module and one line of help; the module is imported when the command runs, the daemon's by `serve` only."""


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are run; listing them imports none."""

    def load(self, name: str) -> None:
        """Put a command in the place of its line of help."""
        module = importlib.import_module(COMMANDS[name][0])
        self.commands[name] = typer.main.get_command(module.app)

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]  # click's types are private in typer
        """Return the command that is asked for, imported."""
        if args and args[0] in COMMANDS:
            self.load(args[0])
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    epilog=example("xswarm serve --offline", "xswarm claude status"),
)


@app.callback()
def xswarm() -> None:
    """Reach Claude Code by text message, mail, WebSocket and terminal.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the daemon cannot be reached, 4 not found, 5 not allowed.
    """


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code."""
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup), "app says cls=LazyGroup"
    group.commands = {name: TyperCommand(name, help=text) for name, (_, text) in COMMANDS.items()}
    try:
        group.main(list(arguments), prog_name="xswarm")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else ExitCode.DONE if stop.code is None else ExitCode.FAILED
    except XswarmError as error:
        print(sentence(error), file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        return ExitCode.STOPPED
    except OSError as error:
        print(f"Error: {error.strerror or error}" + (f": {error.filename}" if error.filename else ""), file=sys.stderr)
        return ExitCode.FAILED
    except Exception as error:  # nobody who types a command sees a traceback
        if sys.flags.dev_mode:
            raise
        print(f"Error: something of ours broke ({type(error).__name__}: {error})", file=sys.stderr)
        print("To do: report it with what `python -X dev -m cli.main` says to the same command", file=sys.stderr)
        return ExitCode.FAILED
    return ExitCode.DONE


def main() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that knows fewer characters than a model does is no reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as error:
        if code == ExitCode.DONE and not isinstance(error, BrokenPipeError):  # who closed the pipe has read enough
            print(f"Error: {error.strerror}", file=sys.stderr)
        code = code or ExitCode.FAILED
        # Python would try it again at its end, and exit with a code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
