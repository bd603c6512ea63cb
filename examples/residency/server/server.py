"""Puts the MCP server together."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

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

READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)


def build(parts: Parts) -> MCPServer[None]:
    """Return the server with every tool that can be offered here."""
    server: MCPServer[None] = MCPServer(
        "residency", title="Residency schedule", instructions=INSTRUCTIONS, log_level="WARNING"
    )
    questions, lookups, changes = Questions(parts), Lookups(parts), Changes(parts)
    for read in (
        questions.validate_schedule,
        questions.explain_violation,
        questions.analyze_swap_candidates,
        questions.run_contingency_analysis,
        questions.detect_conflicts,
        lookups.health_check,
        lookups.find_person,
        lookups.show_schedule,
        lookups.list_changes,
        changes.preview_swap,
        changes.preview_changes,
    ):
        server.add_tool(read, annotations=READS)
    for write in (changes.execute_swap, changes.apply_changes, changes.rollback_change):
        server.add_tool(write, annotations=WRITES)
    if is_installed():
        plans = Plans(parts)
        server.add_tool(plans.preview_generation, annotations=READS)
        server.add_tool(plans.generate_schedule, annotations=WRITES)
    return server
