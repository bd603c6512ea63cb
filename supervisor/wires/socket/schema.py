"""The JSON Schema of the supervisor socket, made from its types: `python -m supervisor.wires.socket.schema [FILE]`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter

from supervisor.protocol.events import PROTOCOL_VERSION, SocketEvent
from supervisor.protocol.requests import AnyRequest
from supervisor.protocol.status import SessionStatus
from supervisor.wires.failures import SOCKET_CODES

FILE = Path("docs/protocol.schema.json")

REFERENCES = "#/$defs/{model}"
OMITTED = {"$ref": "#/$defs/Omit"}
"""How pydantic describes the type of an omitted field."""


def schema() -> dict[str, Any]:
    """Return the schema: `$defs` contains each message by name; `request` and `event` are their unions."""
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        ("request", "validation", TypeAdapter(Annotated[AnyRequest, Field(discriminator="type")])),
        ("event", "serialization", TypeAdapter(Annotated[SocketEvent, Field(discriminator="type")])),
    ]
    sides, shared = TypeAdapter.json_schemas(
        [(name, mode, adapter) for name, mode, adapter in adapters], by_alias=True, ref_template=REFERENCES
    )
    definitions = shared["$defs"]
    definitions.pop("Omit")
    for name, definition in definitions.items():
        if "properties" in definition:  # else it is a list of words
            _describe(definition, sent_by_us=name not in {cls.__name__ for cls in get_args(AnyRequest)})
    definitions["Error"]["properties"]["code"]["enum"] = list(SOCKET_CODES)
    for name in ("SessionStatusReport", "SessionStatusEvent", "SessionUpdated"):
        definitions[name]["properties"]["status"]["enum"] = [status.value for status in SessionStatus]
    definitions |= {name: sides[name, mode] for name, mode, _ in adapters}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "xswarm supervisor socket",
        "description": "One JSON object per text frame. Both sides ignore the fields they do not know.",
        "version": PROTOCOL_VERSION,
        "oneOf": [{"$ref": "#/$defs/request"}, {"$ref": "#/$defs/event"}],
        "$defs": definitions,
    }


def text() -> str:
    """Return the content of the schema file."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _describe(definition: dict[str, Any], *, sent_by_us: bool) -> None:
    """Mark the required fields; those of an event with a default are required too, because we always send them."""
    required = []
    for name, field in definition["properties"].items():
        field.pop("title", None)
        choices = field.get("anyOf", [])
        if OMITTED in choices:
            kept = [choice for choice in choices if choice != OMITTED]
            del field["anyOf"]
            field.pop("default", None)
            field.update(kept[0] if len(kept) == 1 else {"anyOf": kept})
        elif sent_by_us or name == "type" or "default" not in field:
            field.pop("default", None)
            required.append(name)
    definition["required"] = required


def main() -> None:
    """Write the schema to the file of the first argument, by default docs/protocol.schema.json."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
