"""How sentences to people are written: templates, and numbers and money inside them."""

from __future__ import annotations
