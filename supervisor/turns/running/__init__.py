"""A turn while it runs: `RunningTurn` is what others see of it.

`ToolEvents` stores its tool calls, `BudgetGuard` ends it where a limit refuses it a call.
"""

from __future__ import annotations
