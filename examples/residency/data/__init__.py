"""The records of a programme and the SQLite database that keeps them; the only package here that knows SQL."""

from __future__ import annotations
