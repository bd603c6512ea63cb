"""A connector that answers with the prompt itself: the baseline of the benchmarks; see `plugin.PLUGIN`."""

from __future__ import annotations
