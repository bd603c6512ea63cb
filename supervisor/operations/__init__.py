"""What a caller may ask of the daemon, the same for every wire.

`Operations` groups the reads (`Queries`), the operations on sessions (`SessionOperations`) and those on messages
(`MessageOperations`). Beside it stand `ChatOperations` (chats), `QueueOperations` (the queue), `ApprovalOperations` and
`OneShot` (one prompt, one stream). A wire calls these classes and nothing below them.
"""

from __future__ import annotations
