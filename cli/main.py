"""The command line: `xswarm`, also called `cli`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from cli.failures import ExitCode, exit_code, sentence
from cli.lazy import Lazy, LazyGroup
from cli.options import example
from supervisor.protocol.errors import XswarmError

COMMANDS = {
    "serve": Lazy("cli.commands.serve", "Run the daemon in the foreground."),
    "init": Lazy("cli.commands.init", "Ask, then write config.toml."),
    "doctor": Lazy("cli.commands.doctor", "Check the machine, the configuration and the state, and name remedies."),
    "claude": Lazy("cli.claude.app", "Claude Code sessions: start, talk, watch, stop, and what they cost."),
    "user": Lazy("cli.commands.user", "People: who they are, how they are reached, what they may do."),
    "token": Lazy("cli.commands.token", "Credentials: tokens for services and users, and JWTs for the admin chat."),
    "route": Lazy("cli.commands.route", "Show where a message would go, and why."),
    "mail": Lazy("cli.commands.mail", "Mail that was dropped or refused: list it, let it in."),
    "node": Lazy("cli.commands.node", "Nodes: the daemons that work on one PostgreSQL database."),
    "db": Lazy("cli.commands.db", "The database: back it up, check it."),
    "audit": Lazy("cli.commands.audit", "The audit trail: verify it, export it."),
}
"""By name. A module is imported when its command runs, so `--help` stays fast."""


class Commands(LazyGroup):
    """The commands of `xswarm`."""

    lazy = COMMANDS


app = typer.Typer(
    cls=Commands,
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
    try:
        typer.main.get_command(app).main(list(arguments), prog_name="xswarm")
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
    except Exception as error:  # a person at a shell gets a sentence, never a traceback
        if sys.flags.dev_mode:
            raise
        print(f"Error: a bug in xswarm ({type(error).__name__}: {error})", file=sys.stderr)
        print("To do: report it with the output of `python -X dev -m cli.main` for the same command", file=sys.stderr)
        return ExitCode.FAILED
    return ExitCode.DONE


def main() -> None:
    """Run the command line of this process."""
    # A stream that the caller has closed is None.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # open until the process ends
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal cannot show must not end the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as error:
        if code == ExitCode.DONE and not isinstance(
            error, BrokenPipeError
        ):  # a reader that closes the pipe has read enough
            print(f"Error: {error.strerror}", file=sys.stderr)
        code = code or ExitCode.FAILED
        # At its exit Python would flush again, fail again and change the exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
