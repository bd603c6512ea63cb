"""`python -m benchmarks.console [--short]`: the chat of the console in Chromium, with the whole daemon.

How long a conversation of 5,000 messages takes to open, whether an answer of 200 tokens a second keeps it busy, and how
soon the dashboard shows what was committed.
It needs Chromium and `make console`, so the other benchmarks do not run it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import uvloop
from playwright.async_api import Browser, Page, async_playwright
from websockets.asyncio.client import connect

from benchmarks.daemon import Daemon, running_daemon
from benchmarks.dashboard import REACH_MS, measure_dashboard
from benchmarks.figures import Figure, compare, percentile, table
from supervisor.protocol.messages import UserId
from supervisor.protocol.status import Role
from supervisor.store.records.accounts import User

READER = UserId("reader")
MESSAGES = 5_000
OPEN_MS = 1_500.0
"""Longest time to open, in milliseconds."""

RATE = 200
"""Tokens a second."""

SECONDS = 60
LONGEST_TASK_MS = 100.0
REPORTS = 100
"""Reports to the dashboard."""

PATIENCE_MS = 600_000.0

WORDS = "The plan **keeps** every `rule` of the week, as the table shows and the list below explains. "
ANSWER = f"""## Result

{WORDS * 3}

| day | hours |
| --- | --- |
| Monday | 8 |

```python
def hours(days: list[int]) -> int:
    return sum(days)  # of one week
```

- {WORDS}
- {WORDS}

"""

WATCH = """
() => {
    window.tasks = [];
    new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) => one.duration)))
        .observe({entryTypes: ["longtask"]});
}
"""


async def measure(folder: Path, short: bool) -> list[Figure]:
    """Measure in one browser; the daemon is a process of its own."""
    count, seconds = (100, 3) if short else (MESSAGES, SECONDS)
    reader = User(id=READER, name="Reader", role=Role.ADMIN)
    async with running_daemon(folder, users=[reader]) as daemon, async_playwright() as playwright:
        token = await _token(daemon)
        long = await _fill(daemon, token, count // 2)
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        try:
            empty = [await _opened(browser, daemon, token, "empty") for _ in range(3)]
            full = [await _opened(browser, daemon, token, long) for _ in range(3)]
            tasks, whole = await _streamed(browser, daemon, token, seconds)
            page = await _page(browser, daemon, token, "/dashboard")
            reports = await measure_dashboard(page, token, 3 if short else REPORTS)
        finally:
            await browser.close()
    reach = f"{OPEN_MS:g} ms"
    return [
        compare(f"open a conversation of {count} messages", "ms", full, "an empty one", empty, reach),
        compare(
            f"longest task at {RATE} tokens/s for {seconds} s",
            "ms",
            [max(tasks, default=0.0)],
            "one frame at 60 Hz",
            [1000 / 60],
            f"{LONGEST_TASK_MS:g} ms",
        ),
        compare("the same answer, from the first to the last token", "s", [whole], "as the model wrote it", [seconds]),
        compare(
            "from the commit to the dashboard: p95",
            "ms",
            [percentile([one.shown - one.answered for one in reports], 95)],
            "from the report to its answer, p95",
            [percentile([one.answered for one in reports], 95)],
            f"{REACH_MS:g} ms",
        ),
    ]


async def _token(daemon: Daemon) -> str:
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        made = await client.post(
            f"{daemon.http_url}/api/admin/jwt",
            json={"user_id": READER, "minutes": 60},
            headers={"Authorization": f"Bearer {daemon.token}"},
        )
    return str(made.json()["token"])


async def _fill(daemon: Daemon, token: str, questions: int) -> str:
    """Ask so many questions in a new chat; return its id."""
    url = f"{daemon.http_url.replace('http', 'ws', 1)}/api/claude-chat/ws"
    async with connect(url, subprotocols=["bearer", token], proxy=None, max_size=None) as socket:  # type: ignore[list-item]
        session = str(json.loads(await socket.recv())["session_id"])
        for number in range(questions):
            await socket.send(json.dumps({"type": "user_message", "content": f"Question {number} {_script(ANSWER)}"}))
            while (frame := json.loads(await socket.recv()))["type"] != "complete":
                if frame["type"] == "error":
                    raise RuntimeError(frame)
    return session


def _script(text: str, delay: float = 0.0) -> str:
    return "@@" + json.dumps({"steps": [{"text": text, "token_delay": delay}]})


async def _page(browser: Browser, daemon: Daemon, token: str, path: str) -> Page:
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    await page.goto(daemon.http_url)
    await page.evaluate("(token) => sessionStorage.setItem('xswarm:token', token)", token)
    await page.goto(daemon.http_url + path, wait_until="commit")
    return page


async def _opened(browser: Browser, daemon: Daemon, token: str, session: str) -> float:
    """Open a chat; return the milliseconds until its last message, or the place to write, is in sight."""
    page = await _page(browser, daemon, token, "/chat/none")
    await page.get_by_label("Message", exact=True).wait_for()
    began = time.perf_counter()
    await page.goto(f"{daemon.http_url}/chat/{session}", wait_until="commit")
    last = ".xswarm-composer" if session == "empty" else ".xswarm-assistant .markdown h2"
    await page.locator(last).last.wait_for()
    took = (time.perf_counter() - began) * 1000
    await page.context.close()
    return took


async def _streamed(browser: Browser, daemon: Daemon, token: str, seconds: int) -> tuple[list[float], float]:
    """Let an answer come at the rate; return its long tasks in milliseconds, and how long it took in seconds."""
    words = RATE * seconds
    parts = (ANSWER * (words // len(ANSWER.split()) + 1)).split(" ")[:words]
    page = await _page(browser, daemon, token, "/chat/stream")
    field = page.get_by_label("Message", exact=True)
    await field.fill(f"Explain {_script(' '.join(parts), 1 / RATE)}")
    await page.evaluate(WATCH)
    await field.press("Enter")
    await page.locator(".xswarm-assistant .markdown").wait_for()
    began = time.perf_counter()
    await page.get_by_role("button", name="Stop").wait_for(state="detached")
    took = time.perf_counter() - began
    tasks: list[Any] = await page.evaluate("window.tasks")
    await page.context.close()
    return [float(task) for task in tasks], took


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--short", action="store_true", help="checks that it works; the figures mean nothing")
    chosen = parser.parse_args()
    if shutil.which("chromium") is None:
        sys.exit("chromium is not installed; on Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="xswarm-bench-console-") as folder:
        print(table(uvloop.run(measure(Path(folder), chosen.short))))


if __name__ == "__main__":
    main()
