"""What a check of `xswarm doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """The result of a check."""

    OK = "ok"
    """It works."""
    WARNING = "warning"
    """It works, but something is missing or limited."""
    FAILED = "failed"
    """It does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of `xswarm doctor`. It never holds a secret.

    Attributes:
        name: what was checked, in a few words.
        detail: the finding, as a sentence.
        remedy: what to do; empty = nothing.
    """

    name: str
    status: Standing
    detail: str
    remedy: str = ""
