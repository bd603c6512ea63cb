"""`xswarm doctor`: `examine` checks machine, state, plug-ins and daemon, and says what to do about each problem."""

from __future__ import annotations
