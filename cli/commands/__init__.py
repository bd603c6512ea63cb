"""The commands outside of `xswarm claude`; each module has its Typer application as `app`."""

from __future__ import annotations
