"""A process with a watchdog: `python -m tests.supervisor.cluster.watched`.

It does what each line of its stdin says, "SECONDS" to live until then, or "close", and answers with the watchdog's pid.
"""

from __future__ import annotations

import sys

from supervisor.cluster.watchdog import Watchdog
from supervisor.cluster.watching import boot_seconds


def main() -> None:
    """Obey until stdin ends."""
    dog = Watchdog()
    for line in sys.stdin:
        if line.strip() == "close":
            dog.close()
        else:
            dog.extend(boot_seconds() + float(line))
        process = dog._process
        sys.stdout.write(f"{process.pid if process is not None else 0}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
