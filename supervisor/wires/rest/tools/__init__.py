"""REST: tool servers, as a person may use them and as the operator sees them."""

from __future__ import annotations
