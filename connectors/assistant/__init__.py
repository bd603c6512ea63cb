"""The default assistant: a model without tools, for messages that are not for Claude Code; see `plugin.PLUGIN`."""

from __future__ import annotations
