"""One connection to a tool server, by the client of the package `mcp`."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import anyio
import httpx2
from jsonschema import Draft202012Validator, SchemaError
from jsonschema.exceptions import best_match
from mcp import Client, MCPError
from mcp.client.session import IncomingMessage
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    REQUEST_TIMEOUT,
    CallToolResult,
    EmbeddedResource,
    GetPromptResult,
    Implementation,
    RequestParamsMeta,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
    ToolListChangedNotification,
)
from pydantic import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from supervisor.protocol.errors import TemporaryFailure
from supervisor.tools.servers.answer import ARTIFACT, Answer, CallFailed, ListedTool
from supervisor.tools.servers.chatter import Chatter
from supervisor.tools.servers.settings import Address, Program, ServerSettings
from supervisor.tools.servers.transport import Lost, program_transport

logger = logging.getLogger(__name__)

START_SECONDS = 30.0
"""How long a server may take to start and to answer the first request, in seconds."""

LIST_SECONDS = 15.0
"""How long it may take to list its tools, in seconds."""

CLOSE_SECONDS = 2.0
"""How long the goodbye to a server with a URL may take, in seconds."""

MAX_PAGES = 50
MAX_TOOLS = 500
"""Tools of one server, and pages of its list, that are read."""

MAX_PROMPTS = 20
MAX_PROMPT = 2_000
MAX_CATEGORY = 60
"""Prompts of one server that are read; characters of the longest one, and of the name of a category."""

MAX_DESCRIPTION = 8_000
MAX_SCHEMA = 65_536
"""Characters of the longest description of a tool (a longer one is cut) and of its schema (it is not offered)."""

REFUSALS = (401, 403, 407, 429, *range(500, 600))
"""HTTP statuses that tell the operator what is wrong; the others belong to the protocol."""

MAX_EVENT = 32 * 1024 * 1024
"""Bytes of the longest message of a server with a URL."""


BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError)
"""Raised where a connection ends while something is sent through it."""

EXPECTED = (TemporaryFailure, MCPError, httpx2.HTTPError, ValidationError, OSError, *BROKEN)
"""Errors of a connection; all others are our own."""


class Connection:
    """An open connection. Any task may call its methods.

    Args:
        timeout: the longest duration of a call, in seconds.
    """

    def __init__(self, client: Client, name: str, timeout: float) -> None:
        self._client = client
        self._name = name
        self._timeout = timeout

    async def tools(self) -> list[ListedTool]:
        """Return the tools of the server.

        Raises:
            TemporaryFailure: it did not list them.
        """
        found: list[Tool] = []
        cursor: str | None = None
        try:
            async with asyncio.timeout(LIST_SECONDS):
                for _ in range(MAX_PAGES):
                    page = await self._client.list_tools(cursor=cursor)
                    found += page.tools
                    cursor = page.next_cursor
                    if cursor is None or len(found) >= MAX_TOOLS:
                        break
        except TimeoutError:
            raise TemporaryFailure(f"it did not list its tools within {LIST_SECONDS:g} s") from None
        except (MCPError, ValidationError) as error:
            raise TemporaryFailure(f"it did not list its tools: {_kind(error)}") from None
        if cursor is not None or len(found) > MAX_TOOLS:
            logger.warning("tool server %s: it has more than %d tools, the others are left out", self._name, MAX_TOOLS)
        return [tool for tool in map(self._listed, found[:MAX_TOOLS]) if tool is not None]

    async def prompts(self) -> list[str]:
        """Return the texts of the server's prompts that need no argument; none where it does not tell them."""
        if self._client.server_capabilities.prompts is None:
            return []
        try:
            async with asyncio.timeout(LIST_SECONDS):
                listed = (await self._client.list_prompts()).prompts
                free = [one.name for one in listed if not any(given.required for given in one.arguments or ())]
                found = [_said(await self._client.get_prompt(name)) for name in free[:MAX_PROMPTS]]
        except (TimeoutError, MCPError, ValidationError, RuntimeError, *BROKEN) as error:
            logger.info("tool server %s: its prompts are left out: %s", self._name, _kind(error))
            return []
        return [text for text in found if 0 < len(text) <= MAX_PROMPT]

    async def call(self, tool: str, arguments: Mapping[str, Any], meta: Mapping[str, Any]) -> Answer:
        """Call a tool. A cancelled call, and one that takes too long, is cancelled at the server too.

        Args:
            meta: what goes beside the arguments.

        Raises:
            CallFailed: there is no result.
        """
        try:
            async with asyncio.timeout(self._timeout):
                result = await self._client.call_tool(tool, dict(arguments), meta=cast(RequestParamsMeta, dict(meta)))
        except TimeoutError:
            raise CallFailed("TimeoutError", f"no answer within {self._timeout:g} s") from None
        except (MCPError, ValidationError, RuntimeError, *BROKEN) as error:
            raise CallFailed(_kind(error), str(error)) from None
        return _answer(result)

    def problem(self, tool: ListedTool, arguments: Mapping[str, Any]) -> str:
        """Return where and how an input is against its schema, without a value of it; empty = it is valid."""
        try:
            error = best_match(Draft202012Validator(tool.schema, registry=Registry()).iter_errors(dict(arguments)))
        except (SchemaError, Unresolvable, RecursionError):
            return ""  # a schema that cannot be used; the server decides
        if error is None:
            return ""
        return error.message if error.validator == "required" else f"{error.json_path} is against {error.validator!r}"

    async def changes(self, changed: Callable[[], None]) -> None:
        """Ask a server of the newer protocol to tell when its list of tools changes; returns when it tells no more."""
        try:
            async with self._client.listen(tools_list_changed=True) as subscription:
                async for _ in subscription:
                    changed()
        except (ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError) as error:
            logger.debug("tool server %s: it tells of no changes: %s", self._name, type(error).__name__)

    def _listed(self, tool: Tool) -> ListedTool | None:
        schema = tool.input_schema if isinstance(tool.input_schema, dict) else {}
        if len(json.dumps(schema)) > MAX_SCHEMA or schema.get("type", "object") != "object":
            logger.warning(
                "tool server %s: %.80r is not offered: its input schema cannot be used", self._name, tool.name
            )
            return None
        return ListedTool(
            name=tool.name,
            title=tool.title or (tool.annotations.title if tool.annotations else None) or "",
            description=(tool.description or "")[:MAX_DESCRIPTION],
            schema={"type": "object", **schema},
            category=_category(tool),
        )


def _category(tool: Tool) -> str:
    category = (tool.meta or {}).get("category")
    return category[:MAX_CATEGORY] if isinstance(category, str) else ""


def _said(prompt: GetPromptResult) -> str:
    """Return what a prompt lets the person say."""
    parts = [one.content for one in prompt.messages if one.role == "user"]
    return "\n\n".join(part.text for part in parts if isinstance(part, TextContent)).strip()


@asynccontextmanager
async def connected(
    settings: ServerSettings, *, changed: Callable[[], None], lost: Lost, say: Callable[[str], None]
) -> AsyncIterator[Connection]:
    """Connect to a server until the block ends.

    Args:
        changed: called when the server says that its list of tools has changed.
        lost: called when the connection has ended by itself.
        say: takes the lines that a program writes to stderr.

    Raises:
        TemporaryFailure: it did not start or does not answer, or the connection broke.
    """

    async def handle(message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            changed()

    try:
        async with AsyncExitStack() as stack:
            client = Client(
                await _transport(settings, stack, lost, say),
                read_timeout_seconds=START_SECONDS,
                message_handler=handle,
                client_info=Implementation(name="xswarm", version="1"),
                cache=None,
            )
            async with asyncio.timeout(START_SECONDS):
                await stack.enter_async_context(client)
            yield Connection(client, settings.name, settings.timeout)
    except TimeoutError:
        raise TemporaryFailure(f"it did not answer within {START_SECONDS:g} s") from None
    except BaseExceptionGroup as group:
        raise _failure(group) from None
    except (MCPError, httpx2.HTTPError, ValidationError, RuntimeError) as error:
        raise TemporaryFailure(_reason(error)) from None


async def _transport(settings: ServerSettings, stack: AsyncExitStack, lost: Lost, say: Callable[[str], None]) -> Any:
    match settings.place:
        case Program() as program:
            return program_transport(settings.name, program, Chatter(say), lost)
        case Address() as address:
            # No time limit for reading: the stream of changes is silent for as long as nothing changes.
            limits = httpx2.Timeout(10.0, read=None)
            http = httpx2.AsyncClient(
                headers=dict(address.headers), timeout=limits, trust_env=False, event_hooks={"response": [_check(say)]}
            )
            return streamable_http_client(
                address.url, http_client=await stack.enter_async_context(http), max_sse_event_size=MAX_EVENT
            )


def _check(say: Callable[[str], None]) -> Callable[[httpx2.Response], Awaitable[None]]:
    """Return what looks at each response: refusals are told to the log, and an answer that is too large is not read."""

    async def check(response: httpx2.Response) -> None:
        if response.status_code in REFUSALS:
            say(f"it answers with HTTP status {response.status_code}")
        if int(response.headers.get("content-length") or 0) > MAX_EVENT:
            raise TemporaryFailure(f"it wrote an answer of more than {MAX_EVENT // 1_048_576} MiB")

    return check


def _answer(result: CallToolResult) -> Answer:
    texts = []
    for block in result.content:
        match block:
            case TextContent():
                texts.append(block.text)
            case EmbeddedResource(resource=TextResourceContents() as resource):
                texts.append(resource.text)
            case ResourceLink():
                texts.append(f"[{block.name}: {block.uri}]")
            case _:
                texts.append(f"[{block.type}: not shown]")
    artifact = (result.meta or {}).get(ARTIFACT)
    artifact = artifact if isinstance(artifact, Mapping) else {}
    return Answer(
        text="\n".join(texts),
        structured=result.structured_content,
        failed=result.is_error,
        title=str(artifact.get("title", "")),
        kind=str(artifact.get("type", "")),
        meta=dict(result.meta or {}),
    )


def _kind(error: BaseException) -> str:
    """Return the type of a failure as people and models are told it."""
    if not isinstance(error, MCPError):
        return "ConnectionError" if isinstance(error, BROKEN) else "InvalidAnswer"
    kinds = {CONNECTION_CLOSED: "ConnectionError", INVALID_PARAMS: "InvalidInput", REQUEST_TIMEOUT: "TimeoutError"}
    return kinds.get(error.code, "ServerError")


def _failure(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the cause in a group as one that is retried; what is no error of the connection stays as it is."""
    leaves = list(_leaves(group))
    told = [leaf for leaf in leaves if isinstance(leaf, TemporaryFailure)]
    strange = [leaf for leaf in leaves if not isinstance(leaf, EXPECTED)]
    return next(iter(told + strange), TemporaryFailure(_reason(leaves[0])))


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _reason(error: BaseException) -> str:
    if isinstance(error, MCPError):
        return f"it refused the connection: {_kind(error)} {error.code}"
    return f"it cannot be reached: {type(error).__name__}"
