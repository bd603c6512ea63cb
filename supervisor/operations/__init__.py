"""What a caller may ask for, whichever wire it comes by."""

from __future__ import annotations
