"""The parts of the `Store` port, one noun each; values that only one part uses stand beside it."""

from __future__ import annotations
