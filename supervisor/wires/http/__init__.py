"""What every HTTP route shares: application, authentication, bodies, webhooks."""

from __future__ import annotations
