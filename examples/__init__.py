"""Examples: programs beside xswarm that show what it can be used for; nothing that is shipped imports them."""

from __future__ import annotations
