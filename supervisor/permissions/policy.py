"""The one policy for tool calls: what Claude Code may do in a project, by the project's permissions."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from supervisor.permissions.paths import base_folder, is_inside, reaches, target_paths
from supervisor.permissions.patterns import searches_inside
from supervisor.permissions.protected import DEFAULT, Protection, is_protected
from supervisor.permissions.tools import EDITS, HARMLESS, ISOLATION, MAX_PATH, NETWORK, READS, SHELL, is_too_long
from supervisor.permissions.wording import summary
from supervisor.protocol.conversation import HANDED_OVER, ToolCall, Verdict
from supervisor.protocol.status import Permissions


class Risk(StrEnum):
    """Why a person is asked about a call."""

    OUTSIDE = "outside"
    """It leads outside the project."""
    NETWORK = "network"
    """It reaches other machines."""
    SHELL = "shell"
    """It runs a command, which may do anything that the sandbox permits."""
    FULL_SHELL = "full_shell"
    """It runs a command in a project that allows every command."""
    EDIT = "edit"
    """It changes files of the project."""
    PROTECTED = "protected"
    """It changes files of the project that other programs run or obey."""
    OTHER = "other"
    """The policy does not know the tool, or the call names no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsApproval(Verdict):
    """A refusal that a person's approval may overrule."""

    risk: Risk


@dataclass(frozen=True, slots=True)
class _Objection:
    """Why a call must not run without approval.

    Attributes:
        why: part of a sentence.
    """

    why: str
    risk: Risk


def decide(
    call: ToolCall,
    permissions: Permissions,
    project_path: str,
    *,
    own: Collection[str] = (),
    home: str = "",
    protection: Protection = DEFAULT,
    reading: Collection[str] = (),
) -> Verdict:
    """Return whether a tool call may run without a person's approval.

    Args:
        project_path: absolute, symbolic links resolved.
        own: the daemon's own folders, symbolic links resolved. No permission opens them: their secrets would widen what
            the person may do.
        home: the session's folder below one of `own`, which is open.
        protection: what `is_protected` needs.
        reading: the tools of tool servers that only read, by config.toml.
    """
    if is_too_long(call):
        return Verdict(allowed=False, reason=f"{summary(call)} was not run: its path is longer than {MAX_PATH} bytes")
    base = base_folder(call, project_path)
    if any(reaches(call, folder, (project_path, home), base) for folder in own):
        return Verdict(allowed=False, reason=f"{summary(call)} was not run: it leads to the daemon's own files")
    if permissions is Permissions.FULL or _is_harmless(call) or call.name in reading:
        return Verdict(allowed=True)
    if call.name in HARMLESS:
        return Verdict(allowed=False, reason=f"{call.name} was not run: subagents work in the project's folder alone")
    if call.name in READS and home and _objection_to_read(call, os.path.join(home, HANDED_OVER), base) is None:
        return Verdict(allowed=True)  # files that the person has attached
    objection = _objection(call, permissions, project_path, base, protection)
    return _needs_approval(call, objection) if objection is not None else Verdict(allowed=True)


def look_again(
    call: ToolCall,
    allowed: Verdict,
    project_path: str,
    guarded: Collection[Risk],
    *,
    protection: Protection = DEFAULT,
    reading: Collection[str] = (),
) -> Verdict:
    """Return the verdict on an allowed call of a turn whose sender may be forged.

    Args:
        allowed: what `decide` returned; it stands where no guarded risk applies.
        guarded: the risks that need approval in such a turn, whatever the project allows.
        protection, reading: what `decide` needs.
    """
    needs = decide(call, Permissions.ASK, project_path, protection=protection, reading=reading)
    if not isinstance(needs, NeedsApproval):
        return allowed
    base = base_folder(call, project_path)
    outside = not all(is_inside(path, project_path, base) for path in target_paths(call, base))
    risks = {Risk.OUTSIDE: outside, Risk.FULL_SHELL: needs.risk is Risk.SHELL, needs.risk: True}
    for risk, applies in risks.items():
        if applies and risk in guarded:
            return _needs_approval(call, _Objection("it was asked for by a way that can be forged", risk))
    return allowed


def changes_something(call: ToolCall, reading: Collection[str] = ()) -> bool:
    """Return whether a tool call may have effects, as far as the name of its tool tells.

    Args:
        reading: the tools of tool servers that only read, by config.toml.
    """
    return call.name not in READS and call.name not in reading and not _is_harmless(call)


def _is_harmless(call: ToolCall) -> bool:
    return call.name in HARMLESS and not call.input.get(ISOLATION)


def _objection(
    call: ToolCall, permissions: Permissions, project_path: str, base: str, protection: Protection
) -> _Objection | None:
    """Return why a call needs approval in a project that does not allow everything; None = it needs none."""
    if call.name in READS:
        return _objection_to_read(call, project_path, base)
    if call.name in EDITS:
        return _objection_to_edit(permissions, _risk_of_edit(target_paths(call, base), project_path, base, protection))
    if call.name == SHELL:
        return _Objection(f"the project's permissions are {permissions.value!r}", Risk.SHELL)
    risk = Risk.NETWORK if call.name in NETWORK else Risk.OTHER
    return _Objection("the tool is not one that this project allows", risk)


def _objection_to_read(call: ToolCall, project_path: str, base: str) -> _Objection | None:
    paths = target_paths(call, base)
    if not paths:
        return _Objection("it names no file", Risk.OTHER)
    inside = all(is_inside(path, project_path, base) for path in paths)
    if inside and searches_inside(call, os.path.join(base, str(paths[0])), project_path):
        return None
    return _Objection("it reads outside the project", Risk.OUTSIDE)


def _objection_to_edit(permissions: Permissions, risk: Risk) -> _Objection | None:
    if permissions is Permissions.ASK:
        return _Objection("the project asks before files are changed", risk)
    return _Objection("only files of the project itself may be changed", risk) if risk is not Risk.EDIT else None


def _risk_of_edit(paths: list[object], project_path: str, base: str, protection: Protection) -> Risk:
    if not paths:
        return Risk.OTHER
    if not all(is_inside(path, project_path, base) for path in paths):
        return Risk.OUTSIDE
    changed = any(is_protected(str(path), project_path, base, protection=protection) for path in paths)
    return Risk.PROTECTED if changed else Risk.EDIT


def _needs_approval(call: ToolCall, objection: _Objection) -> NeedsApproval:
    reason = f"{summary(call)} needs a person's approval ({objection.why}), so it was not run"
    return NeedsApproval(allowed=False, reason=reason, risk=objection.risk)
