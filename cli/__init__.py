"""The command line; `main.run` carries out one command line. It reaches the daemon as a client."""

from __future__ import annotations
