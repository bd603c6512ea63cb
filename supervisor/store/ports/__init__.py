"""The parts of the `Store` port, one noun each, with the values that they take and give."""

from __future__ import annotations
