"""Loads channels and connectors by name (`loading.py`) and serves them (`DaemonChannelHost`, `DaemonConnectorHost`)."""

from __future__ import annotations
