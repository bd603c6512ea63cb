"""/api/admin/*: users, tokens and the database, with or without a daemon around them.

`admin.py` lists the resources; `admin_app` serves them without a daemon.
"""

from __future__ import annotations
