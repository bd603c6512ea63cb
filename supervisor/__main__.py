"""`python -m supervisor`: runs the daemon in the foreground, as `xswarm serve` does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cli.imports import imported
from supervisor import config
from supervisor.protocol.errors import XswarmError


def run() -> int:
    """Read the arguments, run the daemon, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m supervisor", description="Run the xswarm daemon.")
    parser.add_argument("--config", type=Path, help="path of config.toml")
    parser.add_argument("--offline", action="store_true", help="answer with a script instead of a model")
    parser.add_argument("--demo", action="store_true", help="add a demo user, a scratch project and stand-ins")
    arguments = parser.parse_args()
    try:
        path = config.find(arguments.config)
        settings = config.load(path)
        daemon = imported("supervisor.daemon")
        code: int = daemon.main(settings, config_path=path, offline=arguments.offline, demo=arguments.demo)
        return code
    except XswarmError as error:
        remedy = f"\n{error.remedy}" if error.remedy else ""
        sys.stderr.write(f"xswarm: {error}{remedy}\n")
        return 1


if __name__ == "__main__":
    sys.exit(run())
