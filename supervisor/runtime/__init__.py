"""The process of the daemon on this machine: secrets, lock, logs, hardening, child tasks, peers of connections.

Each module stands alone; `state.py` names what `state.dir` contains.
"""

from __future__ import annotations
