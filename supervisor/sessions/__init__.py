"""Conversations with what answers: `SessionPool` opens, resumes, evicts and closes sessions, `Reaper` closes idle ones.

`Assistant` opens the assistant's conversations; `LiveSession` is a session in memory, `TurnBinding` its running turn.
"""

from __future__ import annotations
