"""The REST API of docs/protocol.md, one module per resource.

`routes.py` lists the resources; `resource.py` holds what they share. docs/architecture.md says how to add a route.
"""

from __future__ import annotations
