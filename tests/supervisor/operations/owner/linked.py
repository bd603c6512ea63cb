"""Nodes that are really linked, and a connector whose conversations write lines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from supervisor.protocol.conversation import Exchange, Prompt, SessionSpec
from supervisor.protocol.ports.connector import Conversation
from tests.supervisor.harness import Core
from tests.supervisor.turns.test_steering import SteeringConnector, SteeringConversation

LINES = 300


class WritingConversation(SteeringConversation):
    """Writes lines as Claude Code does, for whoever wants them."""

    async def prompt(self, prompt: Prompt) -> None:
        if self.spec.tap is not None:
            for number in range(LINES):
                self.spec.tap(json.dumps({"type": "assistant", "number": number}), False)
            self.spec.tap("on stderr", True)
        await super().prompt(prompt)


class WritingConnector(SteeringConnector):
    """Its conversations write lines, and take prompts into a running turn."""

    async def open(self, session: SessionSpec, history: Sequence[Exchange]) -> Conversation:
        opened = WritingConversation(self, session, len(self.opened))
        self.opened.append(opened)
        return opened


def both_linked(one: Core, two: Core) -> bool:
    links = [core.links.link for core in (one, two)]
    return all(link is not None and link.standing() for link in links)


def opened_by(core: Core) -> list[WritingConversation]:
    """Return the conversations of a node."""
    assert isinstance(core.connector, WritingConnector)
    return [opened for opened in core.connector.opened if isinstance(opened, WritingConversation)]
