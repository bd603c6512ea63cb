"""YES CODE by mail, with the real daemon and Claude Code: the reply quotes the question, as mail programs do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from supervisor.demo.mailbox import SentMail
from tests.e2e.world import World
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all tests: each asks about a file of its own."""
    async with World(tmp_path_factory.mktemp("world")) as world:
        await world.start()
        yield world


async def asked(world: World, name: str) -> tuple[SentMail, str]:
    """Mail a prompt that needs an approval; return the mail with the question, and the code in it."""
    message_id = f"<{name}@example.test>"
    assert (
        await world.mail(f"Make {name}", f"in the code: run touch {name}", {"Message-ID": message_id}) == "250 2.0.0 OK"
    )
    question = await world.mailed(f"Bash touch {name}")
    found = re.search(r"\bYES ([A-Z]{5})\b", question.text)
    assert found is not None
    return question, found[1]


def reply_to(question: SentMail) -> dict[str, str]:
    """Return the headers of a reply to a mail."""
    own = str(question.message["Message-ID"])
    return {"In-Reply-To": own, "References": f"{question.message['References']} {own}"}


def quoting(words: str, question: SentMail, introduction: str) -> str:
    """Return words above the whole quoted question."""
    quoted = "\n".join(f"> {line}".rstrip() for line in question.text.splitlines())
    return f"{words}\n\n{introduction}\n\n{quoted}\n"


async def test_a_yes_above_the_quoted_question_lets_the_call_run(world: World) -> None:
    question, code = await asked(world, "one.txt")
    subject = str(question.message["Subject"])
    intro = "Il giorno dom 29 nov 2026 alle ore 12:00 xswarm <xswarm@example.test> ha scritto:"
    doubtful = quoting(f"YES {code}\n\nno wait", question, intro)
    assert (await world.mail(subject, doubtful, reply_to(question))).startswith("250")
    await world.mailed(f"Nothing was allowed, because you wrote more than YES {code}.")
    assert not (world.project() / "one.txt").exists()

    yes = quoting(f"yes {code.lower()}.\n\nThanks,\nAlice", question, intro)
    assert (await world.mail(f"RE: {subject}", yes, reply_to(question))).startswith("250")
    told = await world.mailed("Allowed once: Bash touch one.txt")
    assert str(told.message["In-Reply-To"]).startswith("<")
    await until((world.project() / "one.txt").exists, "the call runs", 60)
    await until(lambda: not world.turns("running"), "its turn has ended", 60)


async def test_a_no_and_a_yes_in_the_subject_of_a_new_mail_count(world: World) -> None:
    question, code = await asked(world, "two.txt")
    no = quoting(f"NO {code}", question, "On Sun, 29 Nov 2026 at 12:00, xswarm <xswarm@example.test> wrote:")
    assert (await world.mail(str(question.message["Subject"]), no, reply_to(question))).startswith("250")
    await world.mailed("Denied: Bash touch two.txt")
    await until(lambda: not world.turns("running"), "its turn has ended", 60)
    assert not (world.project() / "two.txt").exists()

    _, code = await asked(world, "three.txt")
    assert (await world.mail(f"YES {code}", "")).startswith("250")
    await world.mailed("Allowed once: Bash touch three.txt")
    await until((world.project() / "three.txt").exists, "the call runs", 60)


async def test_the_code_of_a_quoted_question_alone_allows_nothing(world: World) -> None:
    question, code = await asked(world, "four.txt")
    bare = quoting("", question, f"Write YES {code}, said xswarm <xswarm@example.test>:")
    assert (await world.mail(str(question.message["Subject"]), bare, reply_to(question))).startswith("250")
    await world.mailed("Your mail has no text of its own")
    assert not (world.project() / "four.txt").exists()
    assert world.turns("running")
