"""Lists that people page through, newest first."""

from __future__ import annotations
