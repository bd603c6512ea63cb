"""Tells the console what has changed, so that its pages read it again at once.

`kinds.py` says which lists a commit or an event changes (pure), `server.py` serves the web socket.
"""

from __future__ import annotations
