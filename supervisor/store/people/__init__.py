"""SQL of users and passphrases."""

from __future__ import annotations
