"""One turn from T2 to T3: scheduling, running, steering, suspending, completing.

`TurnScheduler` is what others call; `RunningTurn` is what they see of a turn, `TurnCompletion` stores its outcome.
"""

from __future__ import annotations
