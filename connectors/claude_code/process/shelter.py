"""What protects the machine and the other sessions from a session: fence and sandbox, tried out once, at start."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.claude_code.process.fence import NO_FENCE, PID_NAMESPACE, Fence, choose
from supervisor.protocol.ports import Check, Standing

SANDBOX_NEEDS = ("bwrap", "socat")
"""Programs without which Claude Code's sandbox does not start."""
TRUE = ("true",)
SANDBOXED_TRUE = ("bwrap", "--unshare-user", *PID_NAMESPACE, *TRUE)
"""What the sandbox does: a user namespace that mounts its own /proc. Inside bubblewrap as root that is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelter:
    """What is in force.

    Attributes:
        sandbox: shell commands run in Claude Code's sandbox.
        with_shell: there is a shell at all.
        sentences: what the operator is told.
    """

    fence: Fence
    sandbox: bool
    with_shell: bool
    sentences: tuple[str, ...]

    def checks(self) -> list[Check]:
        """Return how both stand, for the doctor."""
        fence, shell = self.sentences
        stays = "install bubblewrap or util-linux; without a fence, agents outlive a killed daemon"
        bare = "install bubblewrap and socat, and keep claude_code.sandbox required"
        return [
            _check("fence", fence, "" if self.fence is not NO_FENCE else stays),
            _check("shell", shell, "" if self.sandbox else bare),
        ]


async def settle(fences: Sequence[Fence], *, path: str, sandbox_required: bool) -> Shelter:
    """Return the best fence that works here, preferring one in which the sandbox works too where that is required."""
    environment = {"PATH": path}
    if not sandbox_required:
        fence = await choose(fences, environment, TRUE) or NO_FENCE
        why = "shell commands run without a sandbox (claude_code.sandbox is off)"
        return Shelter(fence=fence, sandbox=False, with_shell=True, sentences=(fence.sentence, why))
    missing = [name for name in SANDBOX_NEEDS if shutil.which(name, path=path) is None]
    roomy = None if missing else await choose(fences, environment, SANDBOXED_TRUE)
    if roomy is not None:
        why = "shell commands run in Claude Code's sandbox"
        return Shelter(fence=roomy, sandbox=True, with_shell=True, sentences=(roomy.sentence, why))
    fence = await choose(fences, environment, TRUE) or NO_FENCE
    reason = f"{' and '.join(missing)} not found" if missing else "bubblewrap does not work inside the fence"
    why = f"shell commands are not offered: claude_code.sandbox is required, and {reason}"
    return Shelter(fence=fence, sandbox=False, with_shell=False, sentences=(fence.sentence, why))


def _check(name: str, detail: str, remedy: str) -> Check:
    return Check(name=name, status=Standing.WARNING if remedy else Standing.OK, detail=detail, remedy=remedy)
