"""Whether a tool call may run: the policy decides, and a person where the policy asks for one.

`ClaudeCodeDecisions` is that of one session of Claude Code, `AssistantDecisions` that of one turn of the assistant.
"""

from __future__ import annotations
