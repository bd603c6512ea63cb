"""What the daemon does unasked: recovery, reaping, progress notices."""

from __future__ import annotations
