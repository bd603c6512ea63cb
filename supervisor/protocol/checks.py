"""What an examination finds: one line each, with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How something stands."""

    OK = "ok"
    WARNING = "warning"
    """It works, with less than it could do, or not for everything."""
    FAILED = "failed"
    """It does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; it never holds a secret.

    Attributes:
        detail: what was found, in a sentence.
        remedy: what to do; empty where nothing need be done.
    """

    name: str
    status: Standing
    detail: str
    remedy: str = ""
