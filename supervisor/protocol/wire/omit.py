"""The value of a field that is not sent."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Omit(Enum):
    """The type of `OMIT`."""

    OMIT = "omit"


OMIT: Final = Omit.OMIT
"""The value of a field that is not sent."""
