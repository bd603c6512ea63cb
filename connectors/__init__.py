"""Connectors answer prompts. Each package has its entry in `plugin.PLUGIN`, and no package knows another one."""

from __future__ import annotations
