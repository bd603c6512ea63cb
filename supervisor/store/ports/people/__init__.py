"""The ports of the sign-in of people."""

from __future__ import annotations
