"""A connector that gives every prompt back: the baseline of the benchmarks."""

from __future__ import annotations
