"""Messages that are pushed to socket clients, and parts of messages that are no messages themselves."""

from __future__ import annotations
