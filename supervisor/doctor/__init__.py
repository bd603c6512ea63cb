"""`xswarm doctor`: looks at everything that can be looked at, and says what to do."""

from __future__ import annotations
