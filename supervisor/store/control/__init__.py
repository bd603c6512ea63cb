"""SQL of approvals, codes, changes, idempotency keys and the audit trail."""

from __future__ import annotations
