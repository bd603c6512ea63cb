"""`xswarm node`: the daemons that work on one PostgreSQL database."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import show
from cli.daemon import admin
from cli.options import AsJson, ConfigFile, example

app = typer.Typer(
    add_completion=False, no_args_is_help=True, epilog=example("xswarm node list", "xswarm node drain rack-2")
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The node's name, from `xswarm node list`.")]


@app.callback()
def node() -> None:
    """Nodes: the daemons that work on one PostgreSQL database."""


@app.command("list", epilog=example("xswarm node list --json"))
def list_(as_json: AsJson = False, config_file: ConfigFile = None) -> None:
    """List the nodes that live, the one that joined first at the head."""
    nodes = admin.call(config_file, "GET", "/api/admin/nodes")["nodes"]
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
                one["link"],
            )
            for one in nodes
        ]
        show.out(show.table(("NODE", "STATE", "LEASE", "VERSION", "LABELS", "LINK"), rows))
    else:
        show.note("No node works on the database.")


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
