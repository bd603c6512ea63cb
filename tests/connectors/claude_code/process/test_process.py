"""A process is read, written and ended, together with its descendants."""

from __future__ import annotations

import asyncio
import errno
import os
import uuid
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
import uvloop

from connectors.claude_code.process import tree
from connectors.claude_code.process.fence import NO_FENCE, Fence, ladder, probe
from connectors.claude_code.process.process import STDERR_TAIL, Patience, Process, WriteFailed
from supervisor.protocol.conversation import PROCESS_MARK
from tests.slowness import scaled
from tests.waiting import until

HASTY = Patience(drain=0.1, term=0.1)


async def start(command: str, mark: str = "") -> Process:
    mark = mark or uuid.uuid4().hex  # the end of a process ends all that have its mark
    env = {"PATH": os.environ["PATH"], PROCESS_MARK: mark}
    return await Process.start(["bash", "-c", command], cwd="/", env=env, fence=NO_FENCE, mark=mark)


async def everything(process: Process) -> bytes:
    read = b""
    while data := await process.read():
        read += data
    return read


async def test_what_is_written_is_read_back() -> None:
    process = await start("cat")
    await process.write(b"hello\n", timeout=scaled(10))
    assert await process.read() == b"hello\n"
    await process.end(Patience())
    assert process.exit_code == 0
    assert await process.read() == b""


async def test_every_line_of_stderr_is_handed_on_and_the_last_one_without_its_end_too() -> None:
    process, lines = await start("read; printf 'one\\n\\ntwo\\nthr' >&2; read; printf 'ee' >&2"), list[str]()
    process.listen_to_errors(lines.append)
    await process.write(b"\n", timeout=scaled(10))
    await until(lambda: lines == ["one", "two"], "the whole lines are handed on as they come")
    await process.write(b"\n", timeout=scaled(10))
    await until(lambda: lines == ["one", "two", "three"], "the last one is handed on with its end")
    await process.end(Patience())


class Raced(FileIO):
    """A file that notices when its descriptor was closed before the file: another file has the descriptor then."""

    def close(self) -> None:
        others = [os.open("/dev/null", os.O_RDONLY) for _ in range(8)]
        super().close()
        for descriptor in others:
            os.close(descriptor)  # fails where it was closed as ours


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_no_descriptor_is_closed_that_another_thread_may_have_opened(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.claude_code.process.pipes.FileIO", Raced)

    async def once() -> list[str]:
        process = await start("cat")
        await process.write(b"hello\n", timeout=scaled(10))
        assert await process.read() == b"hello\n"
        await process.end(Patience())
        assert process.exit_code == 0
        return os.listdir("/proc/self/fd")

    async def run() -> None:
        failures: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        before = await once()  # a loop opens things of its own with its first pipe
        await once()
        await until(lambda: os.listdir("/proc/self/fd") == before, "each has been closed")
        assert failures == []

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


async def test_much_output_comes_whole() -> None:
    process = await start("head -c 3000000 /dev/zero")
    assert len(await everything(process)) == 3_000_000
    await process.end(HASTY)


async def test_the_last_words_are_kept_and_the_first_are_not() -> None:
    process = await start("echo first >&2; head -c 1000000 /dev/zero | tr '\\0' x >&2; echo; echo last >&2")
    await everything(process)
    await process.wait(scaled(10))
    await until(lambda: process.last_words.endswith("last"), "its last words have come")
    assert len(process.last_words) <= STDERR_TAIL
    await process.end(HASTY)


async def test_a_process_that_does_not_read_is_not_waited_for() -> None:
    process = await start("sleep 1000")
    with pytest.raises(WriteFailed) as caught:
        await process.write(b"x" * 10_000_000, timeout=0.1)
    assert not caught.value.certain
    await process.end(HASTY)


async def test_writing_to_a_dead_process_certainly_fails() -> None:
    process = await start("exit 0")
    await process.wait(scaled(10))
    with pytest.raises(WriteFailed) as caught:
        await process.write(b"hello\n", timeout=scaled(10))
    assert caught.value.certain
    await process.end(HASTY)


async def test_ending_twice_is_harmless_and_leaves_no_zombie() -> None:
    process = await start("trap '' TERM; sleep 1000 & wait")
    await process.end(HASTY)
    await process.end(HASTY)
    assert not os.path.exists(f"/proc/{process.identity.pid}")


async def test_a_program_that_cannot_be_started_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await Process.start(["/nonexistent"], cwd=str(tmp_path), env={}, fence=NO_FENCE, mark=uuid.uuid4().hex)


class Cancelling(FileIO):
    """A file that cancels the task which opens it."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        task = asyncio.current_task()
        assert task is not None
        task.cancel()


class Failing(FileIO):
    """A file that cannot be opened."""

    def __init__(self, descriptor: int, *given: Any, **named: Any) -> None:
        os.close(descriptor)
        raise OSError(errno.EMFILE, "Too many open files")


@pytest.mark.parametrize(("file", "error"), [(Cancelling, asyncio.CancelledError), (Failing, OSError)])
async def test_a_start_that_does_not_come_to_its_end_leaves_no_process(
    file: type[FileIO], error: type[BaseException], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("connectors.claude_code.process.pipes.FileIO", file)
    mark = uuid.uuid4().hex
    with pytest.raises(error):
        await asyncio.create_task(start("trap '' HUP PIPE; sleep 1000 & wait", mark), name="start")
    assert tree.marked(PROCESS_MARK, mark) == []
    assert caplog.text == ""


def test_a_process_that_is_closed_in_a_turn_gets_no_time_to_go_on() -> None:
    patience = Patience(drain=1000.0, term=1000.0).hurried()
    assert patience.drain == 0
    assert patience.term < 1
    assert Patience(term=0.1).hurried().term == 0.1


FENCES = [NO_FENCE, *ladder(os.environ["PATH"])]
WRITES = "(while :; do echo x >> {path}; sleep 0.01; done) & while :; do echo y >> {path}; sleep 0.01; done"


@pytest.mark.parametrize("fence", FENCES, ids=lambda fence: fence.name)
async def test_a_process_is_frozen_with_its_descendants_and_goes_on(fence: Fence, tmp_path: Path) -> None:
    path, mark = tmp_path / "written", uuid.uuid4().hex
    env = {"PATH": os.environ["PATH"], PROCESS_MARK: mark}
    if not probe(fence, env, ["true"]):
        pytest.skip(f"{fence.name} does not work here")
    argv = ["bash", "-c", WRITES.format(path=path)]
    process = await Process.start(argv, cwd="/", env=env, fence=fence, mark=mark)
    try:
        await until(lambda: path.exists() and {"x", "y"} <= set(path.read_text().split()), "both write")
        assert await process.freeze(scaled(5))
        inside = process._inside()
        assert len(inside) >= 2
        assert all(tree.is_stopped(each) for each in inside)
        assert await process.freeze(scaled(5))
        written = path.stat().st_size
        process.thaw()
        await until(lambda: path.stat().st_size > written, "they go on")
        assert await process.freeze(scaled(5))
    finally:
        await process.kill(scaled(5))
    assert tree.marked(PROCESS_MARK, mark) == []


async def test_a_process_that_has_ended_is_frozen() -> None:
    process = await start("exit 0")
    await process.end(Patience())
    assert await process.freeze(1.0)
    process.thaw()
