from __future__ import annotations

from pathlib import Path

import pytest

from connectors.echo.plugin import PLUGIN, EchoConfig
from supervisor.protocol.conversation import Exited, Finished, TextDelta
from tests.connectors.contract import PlainHost, new_prompt, opened, session_spec


@pytest.mark.parametrize("text", ["hello", "", "  zwei\nZeilen 🐝 "])
async def test_a_prompt_comes_back_exactly_as_it_was(text: str, tmp_path: Path) -> None:
    connector = PLUGIN.build(EchoConfig(), PlainHost(tmp_path))
    prompt = new_prompt(text)
    async with opened(connector, session_spec(tmp_path)) as (conversation, listener):
        await conversation.prompt(prompt)
        await listener.outcome()
    assert listener.events == [TextDelta(text=text), Finished(message_id=prompt.message_id, text=text), Exited()]
