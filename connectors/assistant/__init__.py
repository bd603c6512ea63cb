"""The default assistant: a model without tools, for whatever is not meant for Claude Code."""

from __future__ import annotations
