"""The mail channel: out by SMTP, in by LMTP from the operator's own mail server."""

from __future__ import annotations
