"""Copies an installation from SQLite to PostgreSQL, in one transaction, and proves that nothing differs."""

from __future__ import annotations
