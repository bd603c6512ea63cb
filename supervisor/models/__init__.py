"""The one way to a model: the loopback gateway, the offline script, the prices."""

from __future__ import annotations
