"""Fence and sandbox: they protect the machine and the other sessions. Both are probed once, at the start."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.claude_code.process.fence import NO_FENCE, PID_NAMESPACE, Fence, choose
from supervisor.protocol.ports.checks import Check, Standing

SANDBOX_NEEDS = ("bwrap", "socat")
"""Programs without which Claude Code's sandbox does not start."""
TRUE = ("true",)
SANDBOXED_TRUE = ("bwrap", "--unshare-user", *PID_NAMESPACE, *TRUE)
"""Does what the sandbox does: a user namespace with a /proc of its own. bubblewrap as root refuses that inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelter:
    """The fence and the sandbox in force.

    Attributes:
        sandbox: shell commands run in Claude Code's sandbox.
        with_shell: Claude Code is offered a shell.
        sentences: one on the fence and one on the shell, for the operator.
    """

    fence: Fence
    sandbox: bool
    with_shell: bool
    sentences: tuple[str, ...]

    def checks(self) -> list[Check]:
        """Return the checks of fence and shell, for the doctor."""
        fence, shell = self.sentences
        stays = "install bubblewrap or util-linux; without a fence, agents outlive a killed daemon"
        bare = "install bubblewrap and socat, and keep claude_code.sandbox required"
        return [
            _check("fence", fence, "" if self.fence is not NO_FENCE else stays),
            _check("shell", shell, "" if self.sandbox else bare),
        ]


async def settle(fences: Sequence[Fence], *, path: str, sandbox_required: bool) -> Shelter:
    """Probe the fences and return the best one that works.

    Args:
        fences: best first.
        path: the PATH in which programs are looked up.
        sandbox_required: prefer a fence in which the sandbox works; without one, offer no shell.
    """
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
