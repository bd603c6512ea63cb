"""Hatch's hook: nothing that people install is built without the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INDEX = Path("supervisor/wires/console/index.html")


class ConsoleIsBuilt(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore]
    """Refuses a wheel or an sdist of a tree without the console; an editable installation needs none."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Check the tree before a build.

        Args:
            version: of the target: "standard" or "editable".
        """
        if version != "editable" and not (Path(self.root) / INDEX).is_file():
            raise SystemExit(f"{INDEX} is missing: run `make console` first, which builds the console")
