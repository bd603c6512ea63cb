"""What the daemon does by itself: `Recovery` at the start, `Schedule` at intervals with `ProgressNotices`."""

from __future__ import annotations
