"""A core with limits, and what a test spends in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from supervisor.config import BudgetConfig
from supervisor.models.gateway.meter import ModelCall
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import TurnState
from supervisor.protocol.times import NANOS, nanos
from supervisor.spending.limits import Scope
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import (
    PLENTY,
    state,
)
from tests.supervisor.store.builders import charge

ALICE = UserId("alice")


def core_with(folder: Path, **limits: float) -> Core:
    """Return a core with limits, in which a turn reserves half a dollar."""
    budgets = BudgetConfig(**{"reserve_usd": 0.5, **limits})
    connector, assistant = ScriptedConnector(), ScriptedConnector()
    return Core(folder, connector=connector, assistant=assistant, claude_code=PLENTY, budgets=budgets)


def pay(dollars: float) -> str:
    """Return a prompt that costs so much."""
    return f"pay {round(dollars * NANOS)}"


async def has_state(core: Core, receipt: Any, wanted: TurnState) -> bool:
    """Return whether the turn of a message is in a state."""
    return await state(core, receipt) is wanted


async def stands(core: Core) -> tuple[int, int]:
    """Return what alice has spent today and what her running turns hold, in nanodollars."""
    account = (await core.spending.standing(ALICE, None))[0]
    assert account.scope is Scope.USER
    return account.spent, account.held


async def spend(core: Core, dollars: float, number: int = 0) -> None:
    """Journal a call of so much for the one turn that runs."""
    (running,) = core.turns.running_turns()
    await core.store.ledger.journal(running.turn.id, charge(f"call-{number}", nanos(dollars)))


def assistant(core: Core) -> ScriptedConnector:
    assert isinstance(core.assistant_connector, ScriptedConnector)
    return core.assistant_connector


def call(dollars: float, number: int) -> ModelCall:
    """Return a call of a turn that has cost so much."""
    return ModelCall(
        id=f"call-{number}",
        owner="s1",
        model="claude-x",
        tokens=Tokens(input=1, output=1),
        nanos=nanos(dollars),
        agent_id=None,
        session_header=None,
        complete=True,
    )
