"""The scheduling example: an MCP server with the year of a residency programme, its rules, and safe changes.

`python -m examples.residency --database FILE` serves it over stdio; the README beside this file is the guide.
"""

from __future__ import annotations
