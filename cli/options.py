"""Arguments and options that several commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="config.toml (else XSWARM_CONFIG, ./config.toml, ...).")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
SessionId = Annotated[
    str, typer.Argument(metavar="SESSION_ID", help="The session's id, or at least 6 characters of its end.")
]


def example(*commands: str) -> str:
    """Return the line of examples at the end of a command's help."""
    return "Example: " + "   ".join(commands)
