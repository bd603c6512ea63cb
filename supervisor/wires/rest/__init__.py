"""The REST API of docs/protocol.md, one module per resource.

`routes.py` lists the resources: a new one is a module here and a row there. `resource.py` holds what they share.
"""

from __future__ import annotations
