"""The gateway to the Messages API: it authenticates sessions, applies their limits, meters and forwards their calls.

`gateway.Gateway` is what the daemon starts; `meter.Meter` is the port that decides about calls and is told of them.
"""

from __future__ import annotations
