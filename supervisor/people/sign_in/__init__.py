"""Sign-in of people: links, sessions in a browser, and the backoff after failures.

`sign_in.SignIn` is what wires call; `sessions.Sessions` knows who is signed in, `backoff.Backoff` who must wait.
"""

from __future__ import annotations
