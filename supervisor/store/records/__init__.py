"""What the store takes and gives: plain values; times in milliseconds UTC, money in nanodollars."""

from __future__ import annotations
