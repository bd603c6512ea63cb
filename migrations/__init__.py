"""The database schema as numbered SQL files, read with importlib.resources."""

from __future__ import annotations
