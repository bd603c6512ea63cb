"""A call to the model, and a ledger that keeps what it is told."""

from __future__ import annotations

from dataclasses import replace

from supervisor.models.gateway.meter import ModelCall
from supervisor.protocol.conversation import Tokens
from supervisor.protocol.errors import StorageError
from supervisor.protocol.messages import UserId
from supervisor.store.ports.ledger import CostLine, CostQuery, LedgerStore
from supervisor.store.records.charge import Charge

ADA = UserId("ada")

BEGUN = ModelCall(
    id="c1",
    owner="s1",
    model="claude-x",
    tokens=Tokens(input=100, output=1),
    nanos=1_000,
    agent_id=None,
    session_header=None,
    complete=False,
)
ENDED = replace(BEGUN, tokens=Tokens(input=100, output=50), nanos=6_000, complete=True)


class RecordingLedger(LedgerStore):
    """Keeps what it is told; refuses while `refusing`."""

    def __init__(self) -> None:
        self.journalled: list[tuple[int, Charge]] = []
        self.posted: list[tuple[int | None, Charge, UserId | None]] = []
        self.refusing = False

    async def journal(self, turn_id: int, charge: Charge) -> None:
        if self.refusing:
            raise StorageError("disk full")
        self.journalled.append((turn_id, charge))

    async def post(self, turn_id: int | None, charge: Charge, *, user_id: UserId | None, now_ms: int) -> bool:
        self.posted.append((turn_id, charge, user_id))
        return True

    async def cost(self, query: CostQuery) -> tuple[CostLine, list[CostLine]]:
        raise AssertionError("nobody asks here")

    async def disagreements(self) -> list[str]:
        raise AssertionError("nobody asks here")


def charge(call: ModelCall, *, estimated: bool) -> Charge:
    """Return the charge of a call."""
    return Charge(
        ref=call.id, kind="model", model=call.model, tokens=call.tokens, nanos=call.nanos, estimated=estimated
    )
