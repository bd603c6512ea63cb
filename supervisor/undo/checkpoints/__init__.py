"""Recorded states of a project's folder, in a git repository of ours beside the project: the shadow repository.

The public face is `shadow.ShadowRepository`: record a state, compare two, revert what happened between two. A state is
a commit of the shadow repository, called a checkpoint. The project's own .git is never written.
"""

from __future__ import annotations
