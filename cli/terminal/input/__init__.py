"""What a person or a script types into an attached terminal, until it is an event of the terminal."""

from __future__ import annotations
