"""Who writes or calls: identity, rights, projects, passphrases, rate limits."""

from __future__ import annotations
