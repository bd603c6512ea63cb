"""What agents must not see or do, limits, and the audit trail."""

from __future__ import annotations
