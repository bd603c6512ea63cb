"""One turn from T2 to T3: scheduling, running, steering, suspending, completing."""

from __future__ import annotations
