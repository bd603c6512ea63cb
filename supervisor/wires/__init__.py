"""The faces of the daemon: sockets and HTTP."""

from __future__ import annotations
