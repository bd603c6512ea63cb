"""A service on the supervisor socket, in ten lines."""

from __future__ import annotations
