"""The SQLite engine: connections, transactions, migrations, backup."""

from __future__ import annotations
