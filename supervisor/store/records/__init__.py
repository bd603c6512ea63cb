"""The values that the store takes and returns, one noun per module.

They are frozen and do no I/O. A name that ends in `_ms` is a time in milliseconds UTC, one that ends in `nanos` an
amount in nanodollars.
"""

from __future__ import annotations
