"""`xswarm node`: the daemons that work on one PostgreSQL database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from cli import settings, show
from cli.daemon import admin
from cli.imports import imported
from cli.options import AsJson, ConfigFile, example
from supervisor.protocol.text.amounts import counted

app = typer.Typer(
    add_completion=False, no_args_is_help=True, epilog=example("xswarm node list", "xswarm node drain rack-2")
)

MOST_NAMED = 3
"""More projects of a node are counted instead of named."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="The node's name, from `xswarm node list`.")]


@app.callback()
def node() -> None:
    """Nodes: the daemons that work on one PostgreSQL database."""


@app.command("list", epilog=example("xswarm node list --json"))
def list_(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """List the nodes that live, the one that joined first at the head."""
    answer = admin.call(config_file, "GET", "/api/admin/nodes")
    nodes = answer["nodes"]
    if as_json:
        show.document(nodes)
    elif nodes:
        rows = [
            (
                one["name"],
                "draining" if one["draining"] else "over" if one["lease_ms"] <= 0 else "lives",
                f"{one['lease_ms'] / 1000:.1f} s",
                one["version"],
                ", ".join(one["labels"]),
                _projects(one.get("projects")),
                _projects(one.get("works_in", ())),
                one["link"],
            )
            for one in nodes
        ]
        show.out(show.table(("NODE", "STATE", "LEASE", "VERSION", "LABELS", "PROJECTS", "WORKS IN", "LINK"), rows))
    else:
        show.note("No node works on the database.")
    if not as_json:
        for line in show.without_node(answer):
            show.note(line)


def _projects(names: Sequence[str] | None) -> str:
    """Return the projects that a node has or works in; a question mark for one that does not say."""
    if names is None:
        return "?"
    return ", ".join(names) if len(names) <= MOST_NAMED else counted(len(names), "project")


@app.command(epilog=example("xswarm node drain rack-2"))
def drain(name: Name, config_file: ConfigFile = None) -> None:
    """Let a node end its turns and stop; the others go on with what it leaves."""
    admin.call(config_file, "POST", f"{admin.item('nodes', name)}/drain")
    show.out(f"Node {name} drains: it takes no new work, and stops when its turns have ended.")


@app.command(epilog=example("xswarm node fence rack-2"))
def fence(name: Name, config_file: ConfigFile = None) -> None:
    """End a node at once, without waiting for its lease: nothing that it writes from now on is stored."""
    admin.call(config_file, "POST", f"{admin.item('nodes', name)}/fence")
    show.out(f"Node {name} is fenced. Its turns that were running count as interrupted.")


@app.command("forget-secret", epilog=example("xswarm node forget-secret"))
def forget_secret(
    lost: Annotated[
        bool, typer.Option(help="The old secret is lost; `audit verify` will fail where the new key begins.")
    ] = False,
    config_file: ConfigFile = None,
) -> None:
    """Let all nodes have another XSWARM_CLUSTER_SECRET from their next start on, while none runs.

    Run it on each machine with the old secret set. The audit trail keeps its key, in state.dir from then on.
    """
    local = imported("cli.daemon.local")  # by name, as in admin.py
    local.forget_secret(settings.load(config_file), lost=lost)
    show.out("Set the new XSWARM_CLUSTER_SECRET on all machines when this was done on each, and start the nodes.")
