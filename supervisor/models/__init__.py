"""The only way to a model.

`gateway/` forwards calls to the Messages API and meters them, `offline/` stands in for that API, and `prices` says what
calls cost.
"""

from __future__ import annotations
