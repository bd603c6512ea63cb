"""The load: what runs, waits and was spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.protocol.status import OutboxState
from supervisor.protocol.times import DAY_MS, now_ms
from supervisor.store.records.charge import Charge
from tests.fakes import ScriptedConnector
from tests.supervisor.harness import Core
from tests.supervisor.helpers import scripted, text_message
from tests.waiting import until


async def test_what_runs_and_waits_is_told_with_its_age(tmp_path: Path) -> None:
    async with Core(tmp_path, connector=ScriptedConnector()) as core:
        await core.intake.accept(text_message("claude: hold on"))
        await until(scripted(core).held, "it runs")
        await core.intake.accept(text_message("claude: second"))
        load = await core.api.load.now()
        assert (load.running, load.waiting, load.sessions, load.processes, load.approvals) == (1, 1, 1, 1, 0)
        # Nothing delivers texts here, so the notice "Queued" is a reply that waits.
        assert load.replies[OutboxState.PENDING] == 1
        await until(lambda: _ages(core), "both have waited for a moment")
        scripted(core).release()


@pytest.mark.usefixtures("one_utc_day")
async def test_what_was_spent_is_told_since_ever_and_for_this_day(tmp_path: Path) -> None:
    async with Core(tmp_path) as core:
        for ref, days, nanos in (("yesterday", 1, 2_000), ("today", 0, 250)):
            charge = Charge(ref=ref, kind="model", model="m", nanos=nanos)
            await core.store.ledger.post(None, charge, user_id=None, now_ms=now_ms() - days * DAY_MS)
        load = await core.api.load.now()
        assert (load.nanos, load.today_nanos) == (2_250, 250)
        assert (load.waiting, load.waiting_seconds, load.late_seconds) == (0, 0, 0)


async def _ages(core: Core) -> bool:
    load = await core.api.load.now()
    return load.waiting_seconds > 0 and load.late_seconds > 0
