"""The engine PostgreSQL: connections, groups of writes, migrations. It needs the extra `xswarm[postgres]`."""

from __future__ import annotations
