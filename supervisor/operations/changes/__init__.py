"""Operations on what turns changed in files."""

from __future__ import annotations
