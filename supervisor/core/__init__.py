"""The composition root without the wires: `core.py` builds the parts floor by floor, from the bottom up.

`ground.py` holds what every floor stands on. `sessions.py`, `turns.py`, `intake.py` and `operations.py` build a floor
each, from the floors below.
"""

from __future__ import annotations
