"""PostgreSQL, backups and moves."""

from __future__ import annotations
