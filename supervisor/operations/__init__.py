"""What a caller may ask of the daemon, the same for every wire.

`Operations` groups the reads (`Queries`), the operations on sessions (`SessionOperations`) and those on messages
(`MessageOperations`). Beside it stand `ChatOperations` (chats), `QueueOperations` (the queue), `ApprovalOperations`,
`ChangeOperations` and `ReviewOperations` (what turns changed), `AgentOperations` (what programs report) and `OneShot`
(one prompt, one stream). A wire gets them in an `Api`, which names the few parts below them that a wire uses as well.
"""

from __future__ import annotations
