"""`xswarm claude`: the commands about Claude Code sessions, each with an example for its help."""

from __future__ import annotations

import typer

from cli.claude.approvals import approvals, approve, deny
from cli.claude.changes import changes, undo
from cli.claude.connect import connect
from cli.claude.cost import cost
from cli.claude.history import history
from cli.claude.queue import queue
from cli.claude.sessions import start, stop
from cli.claude.status import status
from cli.claude.turns import interrupt, send
from cli.options import example

ID = "0198b2c4-5d6e-7f80-91a2-b3c4d5e6f708"
"""A session id for the examples."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    epilog=example("xswarm claude status --all", f"xswarm claude connect {ID}"),
)


@app.callback()
def claude() -> None:
    """Claude Code sessions: start, talk, watch, stop, and what they cost."""


app.command(epilog=example("xswarm claude status --all", "xswarm claude status --watch"))(status)
app.command(epilog=example("xswarm claude cost --by day --since 2026-01-01", "xswarm claude cost alice --json"))(cost)
app.command(epilog=example(f"xswarm claude connect {ID}", "xswarm claude connect e6f708 < prompts.txt"))(connect)
app.command(epilog=example("xswarm claude queue", f"xswarm claude queue --cancel {ID}"))(queue)
app.command(epilog=example("xswarm claude approvals", "xswarm claude approvals KXQPT"))(approvals)
app.command(epilog=example("xswarm claude approve KXQPT", "xswarm claude approve KXQPT --minutes 30"))(approve)
app.command(epilog=example("xswarm claude deny KXQPT"))(deny)
app.command(epilog=example(f"xswarm claude changes {ID}", "xswarm claude changes e6f708 --json"))(changes)
app.command(epilog=example(f"xswarm claude undo {ID} --dry-run", f"xswarm claude undo {ID}"))(undo)
app.command(epilog=example("xswarm claude start --user alice --project website"))(start)
app.command(epilog=example(f'xswarm claude send {ID} "run the tests"', "git diff | xswarm claude send e6f708 -"))(send)
app.command(epilog=example(f"xswarm claude interrupt {ID}"))(interrupt)
app.command(epilog=example(f"xswarm claude stop {ID}"))(stop)
app.command(epilog=example(f"xswarm claude history {ID} --limit 10"))(history)
