"""The body of a text message from a Markdown answer: `plain` removes markup, `shaping` cuts, `gsm7` counts segments."""

from __future__ import annotations
