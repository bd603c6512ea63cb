"""Tools of other programs for models: the tools of a turn, people as references, the way of Claude Code to them.

`servers/` keeps the connections. Whether a call may run is decided elsewhere, by the table `read_only` of config.toml.
"""

from __future__ import annotations
