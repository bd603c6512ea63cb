"""Tests of the operations on chats."""

from __future__ import annotations
