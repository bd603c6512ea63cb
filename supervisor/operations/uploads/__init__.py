"""Operations on files that people attach to messages."""

from __future__ import annotations
