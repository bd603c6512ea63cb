"""The offline model: a scripted stand-in for the Messages API, for `serve --offline`, the demo and the tests.

`model.OfflineModel` is the server that they start.
"""

from __future__ import annotations
