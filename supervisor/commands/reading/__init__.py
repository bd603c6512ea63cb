"""Whether a text is a command word, what stands below the word, and what only resembles one. Pure: no I/O."""

from __future__ import annotations
