"""How soon the dashboard shows what was committed: one report of an agent at a time, in one clock, that of the page."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.async_api import Page

REACH_MS = 100.0
"""Longest time from a commit to the screen, in milliseconds."""

PAUSE_MS = 400
"""Time between two reports, in milliseconds: a page reads the same list at most every 150 ms."""

REPORT = """
async ([token, status, pause]) => {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const shown = new Promise((resolve) => {
        const look = () => {
            if (!document.querySelector('[aria-label="Agents"]')?.textContent.includes(status)) return;
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));  // after the frame is painted
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, {childList: true, subtree: true, characterData: true});
    });
    const began = performance.now();
    const done = await fetch("/api/agents/events", {
        method: "POST",
        headers: {"Authorization": `Bearer ${token}`, "Content-Type": "application/json"},
        body: JSON.stringify({type: "agent_status_update", agent: "scout", status}),
    });
    if (!done.ok) throw new Error(await done.text());
    const answered = performance.now();
    return [answered - began, await shown - began];
}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """Times of one report, in milliseconds since it was sent.

    Attributes:
        answered: it was committed, and the page has the answer.
        shown: a frame with it is on the screen.
    """

    answered: float
    shown: float


async def measure_dashboard(page: Page, token: str, rounds: int) -> list[Shown]:
    """Report so often, and wait each time until the dashboard, which is open on the page, shows it."""
    await page.get_by_text("Live", exact=True).wait_for()
    found = []
    for number in range(rounds + 1):
        answered, shown = await page.evaluate(REPORT, [token, f"round-{number}-", PAUSE_MS])
        found.append(Shown(float(answered), float(shown)))
    return found[1:]  # the first one makes the list
