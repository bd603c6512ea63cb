"""Chats, their tools and their files."""

from __future__ import annotations
