"""A single prompt is run by the node that works in its folder."""

from __future__ import annotations

import json

import pytest

from supervisor.protocol.errors import XswarmError
from tests.supervisor.harness import OPERATOR, Core
from tests.supervisor.operations.owner.linked import LINES, opened_by
from tests.waiting import until

pytestmark = pytest.mark.postgres


async def test_a_single_prompt_runs_where_its_folder_is_and_every_line_comes_in_order(
    cores: tuple[Core, Core],
) -> None:
    one, two = cores
    caller = two.directory.caller(OPERATOR)
    alice = two.one_shot.user(caller, "alice")
    async with two.one_shot.run(caller, alice, "once", project="site", model="claude-x") as (stream, work):
        lines = []
        while (line := await stream.next()) is not None:
            lines.append(line)
        await work
    numbers = [json.loads(text)["number"] for text, from_stderr in lines if not from_stderr]
    assert numbers == list(range(LINES))
    assert lines[-1] == ("on stderr", True)
    (run,) = [opened for opened in opened_by(one) if opened.spec.tap is not None]
    assert (run.spec.model, run.closed) == ("claude-x", True)
    assert opened_by(two) == []


async def test_a_single_prompt_ends_at_the_other_node_when_its_client_leaves_and_fails_without_a_link(
    cores: tuple[Core, Core],
) -> None:
    one, two = cores
    caller = two.directory.caller(OPERATOR)
    alice = two.one_shot.user(caller, "alice")
    async with two.one_shot.run(caller, alice, "hold on", project="site", model=None) as (stream, _):
        await stream.next()
    run = opened_by(one)[-1]
    await until(lambda: run.closed, "its process has ended")
    await two.links.aclose()
    async with two.one_shot.run(caller, alice, "once", project="site", model=None) as (stream, work):
        assert await stream.next() is None
        with pytest.raises(XswarmError, match="Node a cannot be reached"):
            await work
