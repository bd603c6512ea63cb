"""The README's first steps: one demo daemon, a message by each channel, and then all cost figures agree."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.demo import ANSWER_SECONDS, DemoPerson
from tests.e2e.process import ROOT, DaemonProcess, run
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.cli_process, pytest.mark.asyncio(loop_scope="module")]

CONFIG = """
[limits]
messages_per_minute = 1000
messages_per_hour = 1000
"""

OFFLINE = "(offline model)"
NANOS = 1e9


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def daemon(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DaemonProcess]:
    async with DaemonProcess(tmp_path_factory.mktemp("demo"), config=CONFIG) as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def person(daemon: DaemonProcess) -> AsyncIterator[DemoPerson]:
    async with DemoPerson(daemon) as person:
        yield person


@pytest.fixture
def project(daemon: DaemonProcess) -> Path:
    return daemon.state / "project"


async def service_token(daemon: DaemonProcess, name: str) -> str:
    created = await daemon.xswarm("token", "create", "--service", name, "--json")
    return str(created.document["token"])


async def new_session(daemon: DaemonProcess, project: Path) -> str:
    started = await daemon.xswarm("claude", "start", "--user", "demo", "--project", str(project), "--json")
    return str(started.document["session_id"])


async def test_a_text_makes_claude_code_create_a_file_and_is_answered(
    person: DemoPerson, project: Path, daemon: DaemonProcess
) -> None:
    (page,) = [block for block in readme_blocks("console") if " [delivered]\n" in block]
    answer = await person.ask("claude: create a file hello.txt containing hi")
    # The time depends on the machine, and the price on how long the project's path is in the prompt.
    shown = re.sub(r"changed, (\d+ s, )?\$\d\.\d\d\)", "changed, 2 s, $0.09)", answer)
    assert shown == page.partition(" [delivered]\n")[2].strip()
    assert answer.startswith(f'I wrote hello.txt, containing: "hi". {OFFLINE}\n\n(1 file changed, ')
    assert (project / "hello.txt").read_text() == "hi"

    async def delivered() -> bool:
        return (await person.texts())[-1].status == "delivered"

    await until(delivered, "the stand-in delivers the answer")
    assert len(await person.answers()) == 1
    assert "ERROR" not in "".join(daemon.log)


async def test_a_mail_makes_claude_code_create_a_file_and_is_answered_in_its_thread(
    person: DemoPerson, project: Path
) -> None:
    answer = await person.ask_by_mail("Notes", "claude: create a file notes.txt containing hello")
    assert answer.startswith("to demo@example.test: Re: Notes\n")
    assert 'I wrote notes.txt, containing: "hello".' in answer
    assert (project / "notes.txt").read_text() == "hello"


async def test_ten_lines_of_the_readme_talk_to_the_socket(daemon: DaemonProcess, tmp_path: Path) -> None:
    (program,) = [block for block in readme_blocks("python") if "websockets.connect" in block]
    program = program.replace("ws://127.0.0.1:9999", daemon.addresses["socket"])
    token = await service_token(daemon, "readme")
    ended = await run([sys.executable, "-c", program], daemon.environment | {"TOKEN": token})
    assert ended.code == 0, ended.err
    authenticated, content = ended.out.split("\n", 1)
    assert '"success":true' in authenticated.replace(" ", "")
    assert content.rstrip().endswith(OFFLINE)


async def test_rest_makes_claude_code_create_a_file(daemon: DaemonProcess, person: DemoPerson, project: Path) -> None:
    token = await service_token(daemon, "rest")
    body = {"user_id": "demo", "project_path": str(project)}
    created = await person.post("/api/claude-code/sessions", body, token)
    assert created.status_code == 201, created.text
    path = f"/api/claude-code/sessions/{created.json()['session_id']}/messages"
    answered = await person.post(path, {"message": "create a file rest.txt containing by REST"}, token)
    assert answered.status_code == 200, answered.text
    assert answered.json()["content"] == f'I wrote rest.txt, containing: "by REST". {OFFLINE}'
    assert answered.json()["cost_usd"] > 0
    assert (project / "rest.txt").read_text() == "by REST"


async def test_a_terminal_connects_and_sends(daemon: DaemonProcess, project: Path) -> None:
    session = await new_session(daemon, project)
    prompts = "create a file terminal.txt containing from a pipe\nread the file terminal.txt\n"
    connected = await daemon.xswarm("claude", "connect", session, stdin=prompts)
    assert connected.code == 0, connected.err
    assert 'I wrote terminal.txt, containing: "from a pipe".' in connected.out
    assert connected.out.count(OFFLINE) == 2
    assert (project / "terminal.txt").read_text() == "from a pipe"

    sent = await daemon.xswarm("claude", "send", session[-8:], "append a second line to terminal.txt", "--json")
    assert "at the end of terminal.txt" in sent.document["content"]
    assert (project / "terminal.txt").read_text() == "from a pipe\na second line"
    shown = await daemon.xswarm("claude", "status", session, "--json")
    assert shown.document["message_count"] == 3
    assert shown.document["status"] == "active"


async def test_what_is_not_for_claude_code_is_answered_by_the_assistant(
    person: DemoPerson, daemon: DaemonProcess
) -> None:
    prompts, calls = await prompt_count(daemon), await call_count(person)
    assert (await person.ask("assistant: hello")).endswith(OFFLINE)
    assert await prompt_count(daemon) == prompts
    assert await call_count(person) == calls + 1


async def test_a_second_text_goes_on_in_the_same_session(person: DemoPerson, daemon: DaemonProcess) -> None:
    await person.ask("claude: create a file follow.txt containing one")
    (session,) = [s for s in await sessions(daemon) if "follow.txt" in await said_in(daemon, s["session_id"])]
    answer = await person.ask("please read the file follow.txt")  # no prefix, no keyword: within followup_seconds
    assert "one" in answer
    (after,) = [s for s in await sessions(daemon) if s["session_id"] == session["session_id"]]
    assert after["message_count"] == session["message_count"] + 1


async def test_words_are_answered_without_a_model(person: DemoPerson, daemon: DaemonProcess) -> None:
    calls = await call_count(person)
    status = await person.ask("STATUS")
    assert status.startswith("scratch: ")
    assert ", $" in status
    await every_text_has_its_price(person, daemon)  # or one arrives between the two answers below
    total = sum(row["cost_usd"] for row in (await cost(daemon, "user"))["rows"])
    spent = await person.ask("Cost.")
    assert f"in total ${total:.2f} for " in spent
    assert await call_count(person) == calls


async def test_the_rest_of_a_long_answer_comes_at_more(person: DemoPerson, project: Path) -> None:
    text = "".join(f"This is line {number} of a long story.\n" for number in range(1, 51))
    (project / "long.txt").write_text(text)
    first = await person.ask("claude: read the file long.txt")
    assert first.endswith("Reply MORE for the rest")
    assert "This is line 1 of" in first
    assert "This is line 50 of" not in first
    parts = [first]
    while parts[-1].endswith("Reply MORE for the rest"):
        parts.append(await person.ask("MORE"))
    assert len(parts) > 1
    together = " ".join(parts)
    assert all(f"This is line {number} of a long story." in together for number in range(1, 51))


async def test_status_cost_database_and_meter_agree_to_the_nanodollar(
    daemon: DaemonProcess, person: DemoPerson
) -> None:
    await person.ask("claude: list the files")
    await person.ask("assistant: hello again")
    await every_text_has_its_price(person, daemon)
    listed = await sessions(daemon)
    groups = ("session", "user", "day", "channel", "model")
    by = dict(zip(groups, await asyncio.gather(*(cost(daemon, group) for group in groups)), strict=True))
    meter = await metered(person)
    everything = (await person.get("/api/costs")).json()
    assert await daemon.stop() == 0

    with database(daemon) as store:
        stored = Accounts(store)
    total = nanos(everything["total_usd"])
    assert total == stored.ledger
    assert total > 0
    assert {group: nanos(found["total_usd"]) for group, found in by.items()} == dict.fromkeys(by, total)
    for group in ("user", "day", "channel", "model"):
        assert sum(nanos(row["cost_usd"]) for row in by[group]["rows"]) == total, group

    of_sessions = {session["session_id"]: nanos(session["cost_usd"]) for session in listed}
    assert of_sessions == stored.sessions
    assert of_sessions == stored.messages
    assert {row["key"]: nanos(row["cost_usd"]) for row in by["session"]["rows"] if row["key"]} == of_sessions
    assert total - sum(of_sessions.values()) == stored.ledger_without_session > 0  # the assistant's
    assert {s["session_id"]: s["message_count"] for s in listed} == stored.prompts

    by_model = {row["key"]: row for row in by["model"]["rows"]}
    assert {model: nanos(row["cost_usd"]) for model, row in by_model.items()} == stored.models
    assert nanos(by_model.pop("sms")["cost_usd"]) > 0
    assert {model: nanos(found["cost_usd"]) for model, found in meter.items()} == {
        model: nanos(row["cost_usd"]) for model, row in by_model.items()
    }
    tokens = {model: (row["input_tokens"], row["output_tokens"]) for model, row in by_model.items()}
    assert {model: (found["input_tokens"], found["output_tokens"]) for model, found in meter.items()} == tokens
    assert not any(found["unpriced"] for found in meter.values())


class Accounts:
    """Cost figures as an outside tool reads them from the database, in nanodollars."""

    def __init__(self, store: sqlite3.Connection) -> None:
        def one(sql: str) -> int:
            return int(store.execute(sql).fetchone()[0] or 0)  # the sum of no rows is NULL

        def money(sql: str) -> dict[str, int]:
            return {key: nanos(dollars) for key, dollars in store.execute(sql)}

        self.texts = one("SELECT count(*) FROM ledger WHERE kind = 'sms'")
        self.ledger = one("SELECT sum(nanos) FROM ledger")
        self.ledger_without_session = one("SELECT sum(nanos) FROM ledger WHERE session IS NULL")
        self.sessions = money("SELECT id, cost_usd FROM claude_code_sessions")
        self.messages = money(
            "SELECT session_id, coalesce(sum(cost_usd), 0) FROM claude_code_messages GROUP BY session_id"
        )
        prompts = "SELECT session_id, count(*) FROM claude_code_messages WHERE direction = 'to_claude' GROUP BY 1"
        self.prompts = dict(store.execute(prompts))
        self.models = dict(store.execute("SELECT model, sum(nanos) FROM ledger WHERE nanos > 0 GROUP BY model"))


async def every_text_has_its_price(person: DemoPerson, daemon: DaemonProcess) -> None:
    """Wait until each text's price is in the ledger; the provider names it a while after it has sent the text."""
    answers = len(await person.answers())
    with database(daemon) as store:
        await until(lambda: Accounts(store).texts == answers, "every text has its price", timeout=ANSWER_SECONDS)


def database(daemon: DaemonProcess) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"file:{daemon.state / 'xswarm.db'}?mode=ro", uri=True))


def nanos(dollars: float) -> int:
    return round(dollars * NANOS)


async def sessions(daemon: DaemonProcess) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await daemon.xswarm("claude", "status", "--all", "--json")).document
    return found


async def cost(daemon: DaemonProcess, group: str) -> dict[str, Any]:
    found: dict[str, Any] = (await daemon.xswarm("claude", "cost", "--by", group, "--json")).document
    return found


async def metered(person: DemoPerson) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = (await person.get("/api/admin/meter")).json()["models"]
    return found


async def prompt_count(daemon: DaemonProcess) -> int:
    return sum(session["message_count"] for session in await sessions(daemon))


async def call_count(person: DemoPerson) -> int:
    return sum(found["calls"] for found in (await metered(person)).values())


async def said_in(daemon: DaemonProcess, session: str) -> str:
    return (await daemon.xswarm("claude", "history", session)).out


def readme_blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [block.partition("```")[0] for block in text.split(f"```{language}\n")[1:]]
