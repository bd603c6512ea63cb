"""Mail that is dropped, with the real daemon and command line: listed with its reason, and let in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from supervisor.protocol.ids import uuid7
from tests.e2e.world import ALICE_MAIL, World

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]


async def test_a_mail_that_was_dropped_is_listed_and_let_in(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        for sender in (ALICE_MAIL, "eve@example.net"):
            await world.mail_unproven(sender, "claude: say hello")
        listed = await world.daemon.xswarm("mail", "dropped", "--json")
        stranger, alice = json.loads(listed.out)
        assert (stranger["sender"], stranger["kept"]) == ("eve@example.net", False)
        assert (alice["sender"], alice["kept"], alice["subject"]) == (ALICE_MAIL, True, "Login page")
        assert alice["reason"].endswith("it has no Authentication-Results")
        assert "not kept" in (await world.daemon.xswarm("mail", "dropped")).out

        ended = await world.daemon.xswarm("mail", "let-in", str(alice["id"]))
        assert ended.out.startswith(f"Mail {alice['id']} was let in as message ")
        assert (await world.mailed("hello")).message["Subject"] == "Re: Login page"
        assert "Subject: Login page\n\nsay hello" in world.turns("completed")
        refused = await world.daemon.xswarm("mail", "let-in", str(stranger["id"]))
        assert refused.code == 1
        assert "cannot be let in: it is not kept" in refused.err


async def test_a_mail_in_a_thread_with_many_answers_is_told_so_once(tmp_path: Path) -> None:
    async with World(tmp_path) as world:
        await world.start()
        hops = " ".join(f"<{uuid7()}@example.test>" for _ in range(21))
        for text in ("claude: say one", "claude: say two"):
            assert (await world.mail("Re: Build", text, {"References": hops})).startswith("250")
        await world.mailed("Your message was not worked on, because its thread has more than 20 answers")
        assert (await world.mail("Re: Build", "STATUS", {"References": hops})).startswith("250")
        await world.mailed("No session is active.")
        assert len([mail for mail in world.mailbox.messages if mail.envelope_to == (ALICE_MAIL,)]) == 2
        listed = json.loads((await world.daemon.xswarm("mail", "dropped", "--json")).out)
        assert [one["message"] for one in listed] == ["claude: say two", "claude: say one"]
