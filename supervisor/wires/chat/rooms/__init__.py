"""What the connections of one chat share: the frames so far, the order of answers, open questions, who is there."""

from __future__ import annotations
