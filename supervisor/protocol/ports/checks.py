"""What a check of `xswarm doctor` finds."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a channel gets to show, before there is a daemon, that a person can be reached.

    Attributes:
        to: the address of the person who tries it, normalised by the channel.
        public_url: as of `ChannelHost`.
        code: a few digits for the message; whoever can tell them has received it.
        secret: returns a secret. Raises ConfigError: it is not set.
        confirmed: asks the person for the code; returns whether it was right. It blocks.
    """

    to: str
    public_url: str
    code: str
    secret: Callable[[str], str]
    confirmed: Callable[[], bool]
