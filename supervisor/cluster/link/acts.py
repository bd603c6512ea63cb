"""Acts that another node may ask for: each is a method of ours, its arguments and result typed by its hints."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from supervisor.protocol.errors import InternalError, Unsupported, XswarmError
from supervisor.protocol.ids import uuid7

logger = logging.getLogger(__name__)

Method = Callable[..., Awaitable[Any]]


BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class _Act:
    """A method, and the types of its arguments and result. Most are never used, so they are built at the first use."""

    def __init__(self, method: Method) -> None:
        self.method = method

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(self.method)

    @cached_property
    def arguments(self) -> dict[str, TypeAdapter[Any]]:
        """The types of the arguments, by name."""
        names = [name for name in inspect.signature(self.method).parameters if name in self._hints]
        return {name: TypeAdapter(self._hints[name]) for name in names}

    @cached_property
    def result(self) -> TypeAdapter[Any]:
        """The type of the result; of all types only `bytes` has bytes in it."""
        returned = self._hints["return"]
        return TypeAdapter(returned, config=BASE64 if returned is bytes else None)


class Acts:
    """The acts of this node by name; the same names on all nodes, so that each can carry out and ask for them."""

    def __init__(self) -> None:
        self._acts: dict[str, _Act] = {}

    def add(self, name: str, method: Method) -> None:
        """Let the other nodes ask for a method. All its arguments are passed by name."""
        self._acts[name] = _Act(method)

    def pack(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """Return arguments as JSON has them."""
        arguments = self._acts[name].arguments
        return {key: arguments[key].dump_python(value, mode="json") for key, value in given.items()}

    def unpack(self, name: str, result: str) -> Any:
        """Return what another node has answered.

        Raises:
            Unsupported: another version of the program has answered.
        """
        try:
            return self._acts[name].result.validate_json(result)
        except ValidationError:
            raise Unsupported(f"{name} between two versions of xswarm") from None

    async def carry_out(self, name: str, given: dict[str, Any]) -> str:
        """Do what another node asks for; return the result as JSON.

        Raises:
            Unsupported: another version of the program asks.
            XswarmError: it was refused or failed.
        """
        act = self._acts.get(name)
        if act is None:
            raise Unsupported(f"{name} between two versions of xswarm")
        try:
            arguments = {key: act.arguments[key].validate_python(value) for key, value in given.items()}
        except (KeyError, ValidationError):
            raise Unsupported(f"{name} between two versions of xswarm") from None
        try:
            # A field that is left out has its default: `OMIT` has no name in JSON.
            return act.result.dump_json(await act.method(**arguments), exclude_defaults=True).decode()
        except XswarmError:
            raise
        except Exception as error:
            reference = uuid7()
            logger.exception("%s: the act %s of another node failed", reference, name)
            raise InternalError(reference) from error
