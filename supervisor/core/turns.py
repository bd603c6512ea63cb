"""The floor of turns: their scheduler, and everything that runs one from T2 to T3."""

from __future__ import annotations

from supervisor.core.ground import Ground
from supervisor.core.sessions import SessionFloor
from supervisor.operations.owner.steering import SteeringAtOwner
from supervisor.sessions.assistant import Assistant
from supervisor.turns.binder import TurnBinder
from supervisor.turns.completion import TurnCompletion
from supervisor.turns.driver import TurnDriver
from supervisor.turns.lanes.resources import LaneResources
from supervisor.turns.runner import TurnRunner
from supervisor.turns.running.budget_guard import BudgetGuard
from supervisor.turns.running.tool_events import ToolEvents
from supervisor.turns.scheduler import TurnScheduler
from supervisor.turns.suspension import Suspension


class TurnFloor:
    """Builds the parts that run turns."""

    def __init__(self, ground: Ground, below: SessionFloor) -> None:
        self._ground = ground
        self._below = below
        self._tools = ToolEvents(ground.store.turns, ground.store.tool_calls)
        self.binder = TurnBinder(transitions=below.transitions, approvals=below.approvals, recorder=below.recorder)
        self.completion = TurnCompletion(
            turns=ground.store.turns,
            approvals=ground.store.approvals,
            hub=ground.hub,
            recorder=below.recorder,
            spending=below.spending,
            tools=self._tools,
        )
        self.resources = LaneResources(ground.resources, ground.projects, below.pool)
        self.guard = BudgetGuard(below.spending, refused_seconds=ground.tuning.refused_seconds)
        steering = SteeringAtOwner(
            ground.owners,
            store=ground.store.turns,
            hub=ground.hub,
            tools=self._tools,
            files=ground.files,
            steers=ground.connector.steers,
        )
        self.scheduler = TurnScheduler(
            turns=ground.store.turns,
            records=ground.store.sessions,
            sessions=below.pool,
            projects=ground.projects,
            runner=self._build_runner(),
            steering=steering,
            completion=self.completion,
            resources=self.resources,
        )
        steering.offer(self.scheduler)

    def _build_runner(self) -> TurnRunner:
        ground, below = self._ground, self._below
        return TurnRunner(
            hub=ground.hub,
            sessions=below.pool,
            assistant=Assistant(
                connector=ground.assistant,
                gateway=ground.gateway,
                turns=ground.store.turns,
                calls=ground.store.tool_calls,
                spending=below.spending,
                approvals=below.approvals,
                recorder=below.recorder,
                tools=ground.sources.of_turn,
            ),
            rights=ground.rights,
            spending=below.spending,
            driver=self._build_driver(),
            binder=self.binder,
            completion=self.completion,
            tools=self._tools,
        )

    def _build_driver(self) -> TurnDriver:
        return TurnDriver(
            guard=self.guard,
            suspension=Suspension(self._below.pool, self._below.approvals, self.binder),
            completion=self.completion,
            files=self._ground.files,
            turn_timeout=self._ground.config.claude_code.turn_timeout_seconds,
            grace_seconds=self._ground.tuning.grace_seconds,
            stood=self._below.processes.stood,
        )
