"""What answers a prompt, one module each."""

from __future__ import annotations
