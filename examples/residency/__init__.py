"""The scheduling example: an MCP server with the year of a residency programme, its rules, and safe changes.

`python -m examples.residency` serves it over stdio; docs/chat-guide.md says what it can be asked.
"""

from __future__ import annotations
