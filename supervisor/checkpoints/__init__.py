"""What stands behind undo: the state of a project's files, kept in a git repository of our own."""

from __future__ import annotations
