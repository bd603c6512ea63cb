"""The ports of people: their accounts, how they sign in, and the files that they attach to messages."""

from __future__ import annotations
