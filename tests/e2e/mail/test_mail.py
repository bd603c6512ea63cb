"""A queued mail and a mail whose turn is stuck, with the real Claude Code: each sender is told in the mail's thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.demo.mailbox import SentMail
from tests.e2e.world import HANG, World, script, write_file
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process]

STUCK = "[progress]\nstuck_after_seconds = 0.5\n"
FIRST, SECOND = "<first@example.test>", "<second@example.test>"


async def test_a_mail_that_waits_and_one_that_is_stuck_are_told_so_in_their_thread(tmp_path: Path) -> None:
    async with World(tmp_path, tables=STUCK) as world:
        await world.start()
        stuck = "claude: first: " + script(write_file(world.project() / "first.txt", "hi"), HANG)
        assert await world.mail("Notes", stuck, {"Message-ID": FIRST}) == "250 2.0.0 OK"
        await until(world.tools_started, "its turn runs", 60)
        reply = {"Message-ID": SECOND, "In-Reply-To": FIRST, "References": FIRST}
        assert await world.mail("Re: Notes", "say now", reply) == "250 2.0.0 OK"
        queued = await world.mailed("Queued: your message is next in the queue.")
        assert threaded(queued) == ("Re: Notes", SECOND)

        silent = await world.mailed("No sign of life for 1 min: ")
        assert "ABORT stops it." in silent.text
        assert threaded(silent) == ("Re: Notes", FIRST)

        assert await world.mail("Re: Notes", "ABORT", {"In-Reply-To": FIRST, "References": FIRST}) == "250 2.0.0 OK"
        await world.mailed("Stopped, and dropped 1 queued message.")
        await until(lambda: not world.turns("running") and not world.turns("pending"), "nothing is left", 60)
        assert sum("No sign of life" in mail.text for mail in world.mailbox.messages) == 1
        assert world.answers() == [], "nobody is texted who wrote mails"


def threaded(mail: SentMail) -> tuple[str, str]:
    """Return a mail's subject, and what it answers."""
    return str(mail.message["Subject"]), str(mail.message["In-Reply-To"])
