"""What can go wrong with an act at another node."""

from __future__ import annotations

from supervisor.protocol.errors import XswarmError


class NodeUnreachable(XswarmError):
    """The node that owns the conversation is there, as far as the database knows, but cannot be asked."""

    code = "node_unreachable"
    remedy = "try again; `xswarm doctor` shows the links between the nodes"
    retry_after = 5.0

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"Node {self.name} cannot be reached"


class WorksThere(NodeUnreachable):
    """Another node has claimed the resource meanwhile."""

    remedy = "try again"

    def __str__(self) -> str:
        return f"Node {self.name} works in this folder now"


class FolderAway(NodeUnreachable):
    """No node that has the folder of a project is there."""

    remedy = "start the node that has the folder; `xswarm node list` shows those that live"

    def __str__(self) -> str:
        return f"The node with the folder of {self.name} is not there"


class FileAway(NodeUnreachable):
    """No node that can be asked has a file that somebody attached."""

    remedy = "start the node that took it, or attach it again; with cluster.shared_dir every node has it"

    def __str__(self) -> str:
        return f"The node with the file {self.name} cannot be reached"


class FileGone(XswarmError):
    """A file that somebody attached is not here, and there is no other node."""

    code = "not_found"
    remedy = "attach it again, or copy the folder uploads of the backup to state.dir"

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"The file {self.name} is gone"


class RefusedThere(XswarmError):
    """The other node has refused an act; code, sentence and remedy are its own."""

    def __init__(self, code: str, why: str, remedy: str, retry_after: float | None) -> None:
        super().__init__(code, why)
        self.code = code
        self.why = why
        self.remedy = remedy
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.why
