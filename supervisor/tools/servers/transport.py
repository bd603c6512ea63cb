"""The messages of a tool server that is a program: one JSON object on each line of its stdin and stdout."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from supervisor.protocol.errors import TemporaryFailure
from supervisor.tools.servers.chatter import Chatter
from supervisor.tools.servers.process import ServerProcess
from supervisor.tools.servers.settings import Program

logger = logging.getLogger(__name__)

Lost = Callable[[str], None]
"""Called when a connection has ended by itself, with the reason; of several calls the first counts."""


@asynccontextmanager
async def program_transport(
    name: str, program: Program, chatter: Chatter, lost: Lost
) -> AsyncGenerator[TransportStreams, None]:
    """Start a server, and exchange messages with it until the block ends; then end it with its whole process tree.

    Raises:
        TemporaryFailure: it cannot be started.
    """
    process = await ServerProcess.start(program, chatter)
    heard, to_read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_write, said = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_read, name, process, heard, lost)
        tasks.start_soon(_write, process, said, heard, lost)
        try:
            yield to_read, to_write
        finally:
            with anyio.CancelScope(shield=True):
                await process.end()
            tasks.cancel_scope.cancel()
            for stream in (heard, to_read, to_write, said):
                stream.close()


async def _read(
    name: str, process: ServerProcess, heard: MemoryObjectSendStream[SessionMessage | Exception], lost: Lost
) -> None:
    """Pass on the messages of a server until its output ends. A line that is no message is skipped."""
    told = False
    with heard:
        try:
            while (line := await process.line()) is not None:
                try:
                    message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:  # its text may hold anything, so it does not reach the log
                    if line.strip() and not told:
                        logger.warning("tool server %s: it writes lines to stdout that are no messages", name)
                        told = True
                    continue
                await heard.send(SessionMessage(message))
            why = await process.how_it_ended()
        except TemporaryFailure as failure:
            why = str(failure)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # the session has ended first
        lost(why)


async def _write(
    process: ServerProcess,
    said: MemoryObjectReceiveStream[SessionMessage],
    heard: MemoryObjectSendStream[SessionMessage | Exception],
    lost: Lost,
) -> None:
    with said:
        try:
            async for one in said:
                text = one.message.model_dump_json(by_alias=True, exclude_unset=True)
                await process.write(text.encode(errors="replace") + b"\n")
        except OSError:
            lost(await process.how_it_ended())
            heard.close()  # calls in flight end; otherwise each would wait for its time limit
