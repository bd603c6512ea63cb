"""Tests of the copy to PostgreSQL."""

from __future__ import annotations
