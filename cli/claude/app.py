"""`xswarm claude`: the commands about Claude Code sessions, each with an example for its help."""

from __future__ import annotations

import typer

from cli.lazy import Lazy, LazyGroup
from cli.options import example

ID = "0198b2c4-5d6e-7f80-91a2-b3c4d5e6f708"
"""A session id for the examples."""

COMMANDS = {
    "status": Lazy(
        "cli.claude.status",
        "Show sessions: user, project, status, cost, messages, age, idle.",
        example("xswarm claude status --all", "xswarm claude status --watch"),
    ),
    "cost": Lazy(
        "cli.claude.cost",
        "Show costs in US dollars.",
        example("xswarm claude cost --by day --since 2026-01-01", "xswarm claude cost alice --json"),
    ),
    "connect": Lazy(
        "cli.claude.connect",
        "Attach this terminal to a session: history, live stream, prompts. Ctrl-C interrupts the turn, Ctrl-D leaves.",
        example(f"xswarm claude connect {ID}", "xswarm claude connect e6f708 < prompts.txt"),
    ),
    "queue": Lazy(
        "cli.claude.queue",
        "List the queued messages and the replies that do not leave, or remove a message.",
        example("xswarm claude queue", f"xswarm claude queue --cancel {ID}"),
    ),
    "approvals": Lazy(
        "cli.claude.approvals",
        "List the tool calls that wait for an answer, or show one of them whole.",
        example("xswarm claude approvals", "xswarm claude approvals KXQPT"),
    ),
    "approve": Lazy(
        "cli.claude.approvals",
        "Allow a tool call.",
        example("xswarm claude approve KXQPT", "xswarm claude approve KXQPT --minutes 30"),
    ),
    "deny": Lazy("cli.claude.approvals", "Deny a tool call.", example("xswarm claude deny KXQPT")),
    "changes": Lazy(
        "cli.claude.changes",
        "Show what a turn changed, as a diff.",
        example(f"xswarm claude changes {ID}", "xswarm claude changes e6f708 --json"),
    ),
    "undo": Lazy(
        "cli.claude.changes",
        "Undo the changes of a turn, or redo them where they are undone; later changes by hand are kept.",
        example(f"xswarm claude undo {ID} --dry-run", f"xswarm claude undo {ID}"),
    ),
    "start": Lazy(
        "cli.claude.sessions",
        "Start a session and print its id.",
        example("xswarm claude start --user alice --project website"),
    ),
    "send": Lazy(
        "cli.claude.turns",
        "Send a prompt, wait for the answer and print it.",
        example(f'xswarm claude send {ID} "run the tests"', "git diff | xswarm claude send e6f708 -"),
    ),
    "interrupt": Lazy(
        "cli.claude.turns",
        "Stop the running turn; the session stays.",
        example(f"xswarm claude interrupt {ID}"),
    ),
    "stop": Lazy(
        "cli.claude.sessions",
        "End a session; `connect` resumes its conversation.",
        example(f"xswarm claude stop {ID}"),
    ),
    "history": Lazy(
        "cli.claude.history",
        "Show the messages of a session, oldest first.",
        example(f"xswarm claude history {ID} --limit 10"),
    ),
}
"""By name, each with the first sentences of its function; a module is imported when its command runs."""


class Commands(LazyGroup):
    """The commands of `xswarm claude`."""

    lazy = COMMANDS


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    epilog=example("xswarm claude status --all", f"xswarm claude connect {ID}"),
)


@app.callback()
def claude() -> None:
    """Claude Code sessions: start, talk, watch, stop, and what they cost."""
