"""The commands of `xswarm claude`; `app.app` is the Typer application that holds them."""

from __future__ import annotations
