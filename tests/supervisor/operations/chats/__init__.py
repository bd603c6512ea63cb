"""Tests of what the operations on chats are made of."""

from __future__ import annotations
