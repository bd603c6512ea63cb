"""Lanes: a `Lane` runs one turn at a time; `LaneState` decides what it does next, `LaneName` says whose it is."""

from __future__ import annotations
