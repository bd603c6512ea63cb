"""What the daemon does by itself: `Recovery` at the start, `Schedule` at intervals with `ProgressNotices`.

`FailureNotices` drafts what people are told of replies that did not arrive.
"""

from __future__ import annotations
