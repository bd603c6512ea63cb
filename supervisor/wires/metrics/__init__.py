"""What Prometheus reads at /metrics: counts of what happened since the start, and what runs and waits now."""

from __future__ import annotations
