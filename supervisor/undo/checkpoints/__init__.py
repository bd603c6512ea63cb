"""A project's folder, recorded in a git repository of our own before and after a turn."""

from __future__ import annotations
