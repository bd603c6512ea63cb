"""The supervisor socket on port 9999 (docs/protocol.md).

Others use `SocketServer` (server.py) and `SocketChannel` (channel.py). A frame passes `Connection`, `codec` and
`RequestDispatcher`; events and replies return through `SendQueue`.
"""

from __future__ import annotations
