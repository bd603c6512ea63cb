"""What every HTTP request passes: guard, token, body, Idempotency-Key, route. `application` puts them together."""

from __future__ import annotations
