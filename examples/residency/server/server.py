"""Puts the MCP server together."""

from __future__ import annotations

from collections.abc import Callable

from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult, ToolAnnotations

from examples.residency.planning.solver import is_installed
from examples.residency.server.changes import Changes
from examples.residency.server.context import Parts
from examples.residency.server.lookups import Lookups
from examples.residency.server.plans import Plans
from examples.residency.server.questions import Questions

INSTRUCTIONS = """\
The schedule of a residency programme for a year: its rules on working hours, conflicts, vulnerable slots and swaps.
Begin with health_check: it says what day it is and which schedule there is. People are references (person_id).
A change is first previewed, then shown to the person, then written with the schedule_version of the preview.
Every write can be rolled back. An answer with status "refused" says why and what to do.
"""

Tool = Callable[..., CallToolResult]

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)


def build(parts: Parts) -> MCPServer[None]:
    """Return the server with every tool that can be offered here."""
    server: MCPServer[None] = MCPServer(
        "residency", title="Residency schedule", instructions=INSTRUCTIONS, log_level="WARNING"
    )
    questions, lookups, changes = Questions(parts), Lookups(parts), Changes(parts)
    reads: dict[str, Tool] = {
        "Compliance": questions.validate_schedule,
        "Why it is a violation": questions.explain_violation,
        "Swap candidates": questions.analyze_swap_candidates,
        "Analysis of vulnerable slots": questions.run_contingency_analysis,
        "Analysis of conflicts": questions.detect_conflicts,
        "Health": lookups.health_check,
        "People": lookups.find_person,
        "Schedule": lookups.show_schedule,
        "Changes of the schedule": lookups.list_changes,
        "Preview of a swap": changes.preview_swap,
        "Preview of changes": changes.preview_changes,
        "Preview of a rollback": changes.preview_rollback,
    }
    writes: dict[str, Tool] = {
        "Swap": changes.execute_swap,
        "Changes": changes.apply_changes,
        "Rollback": changes.rollback_change,
    }
    if is_installed():
        plans = Plans(parts)
        reads["Preview of a schedule"] = plans.preview_generation
        reads["Planned schedule"] = plans.show_plan
        writes["New schedule"] = plans.generate_schedule
    for tools, hints in ((reads, READS), (writes, WRITES)):
        for title, tool in tools.items():
            server.add_tool(tool, title=title, annotations=hints)
    return server
