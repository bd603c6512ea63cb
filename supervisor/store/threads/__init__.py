"""Connections have threads of their own: `worker.Worker` is one, `groups.Groups` the work for it."""

from __future__ import annotations
