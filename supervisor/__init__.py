"""The daemon: who is writing, what for, what answers, what it costs."""

from __future__ import annotations
