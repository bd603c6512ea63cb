"""What turns change in files, and taking it back.

`recorder.Recorder` records a folder before and after each turn, `undo.Undo` shows and takes back what a turn changed.
The states themselves are kept by `checkpoints`.
"""

from __future__ import annotations
