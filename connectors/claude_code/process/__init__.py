"""Starts, limits and ends the processes of a session; the connector calls `process.Process`."""

from __future__ import annotations
