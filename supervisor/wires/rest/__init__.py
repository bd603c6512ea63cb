"""The REST API of protocol.md section 2, one module per resource.

`routes.py` lists the resources: a new one is a module here and a row there. `resource.py` holds what they share.
"""

from __future__ import annotations
