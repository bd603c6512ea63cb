"""Parts of the messages on the supervisor socket that are no messages themselves."""

from __future__ import annotations
