"""REST: what turns changed in files: lists, diffs, downloads, undo."""

from __future__ import annotations
