"""Who is at the other end of a connection on this machine: an agent, or somebody else.

`agents.py` answers; `sockets.py`, `processes.py` and `groups.py` ask the kernel; `proc.py` reads /proc.
"""

from __future__ import annotations
