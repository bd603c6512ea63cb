"""Store-and-forward ways to people, one module each."""

from __future__ import annotations
