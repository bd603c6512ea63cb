"""How values are made: `record` is the decorator of those with many fields."""

from __future__ import annotations
