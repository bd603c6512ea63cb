"""The people and programs that use the daemon.

`identity.Directory` says who writes or calls, `rights.Rights` what they may start, `projects.Projects` where they may
work, and `rate_limits.RateLimits` how much they may send. `accounts.Accounts` changes users and tokens.
"""

from __future__ import annotations
