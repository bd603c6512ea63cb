"""What is read over many messages: their pages, and what other nodes do with them."""

from __future__ import annotations
