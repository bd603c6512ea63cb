"""The attached terminal of `xswarm claude connect`; the command runs `terminal.Terminal`."""

from __future__ import annotations
