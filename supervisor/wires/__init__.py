"""The servers of the daemon: `SocketServer` (socket/) and `HttpServer` (http_server.py), over the `Api` of the core.

`rest/` holds the resources of the REST API, `http/` what every HTTP request passes, `stream.py` the one-prompt stream.
"""

from __future__ import annotations
