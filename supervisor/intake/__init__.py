"""Intake: every message enters the daemon here and is stored in one transaction (T1).

A message passes these steps: who wrote it, rate limit, command word, routing (all `Intake`); then lane and session,
T1, queue mode (all `Acceptor`). Two classes are called from outside:

- `Intake` (intake.py): channels hand in messages of people with `accept`; `submit` takes one whose user is known.
- `Acceptor` (acceptor.py): takes prompts for one session without routing, and starts what was accepted.

`acceptance.py` builds the rows of T1, `position.py` tells people that their message is queued ("number 2").
"""

from __future__ import annotations
