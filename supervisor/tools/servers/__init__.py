"""Tool servers: one connection to each for the life of the daemon, started again when it is lost.

Only `connection.py` and `transport.py` know the package `mcp`; they are imported when a server is configured.
"""

from __future__ import annotations
