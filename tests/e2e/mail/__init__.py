"""Mail, over the real LMTP and SMTP."""

from __future__ import annotations
