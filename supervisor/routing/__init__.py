"""Routing: what a message is for, and which conversation it continues.

`Conversations` is the class that others call. `Router` (rules.py) holds the ordered rules and does no I/O; `Keywords`
finds the words that make a message one for Claude Code. `Decision` and `Destination` are their results.
"""

from __future__ import annotations
