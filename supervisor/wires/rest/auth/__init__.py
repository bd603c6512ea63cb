"""/api/auth/*: people sign in and out; `pages.py` serves the page where they do."""

from __future__ import annotations
