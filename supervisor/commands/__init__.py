"""Command words: messages that people write to the daemon itself, such as STATUS, YES CODE or UNDO.

`CommandDispatcher` (dispatch.py) is the class that the intake calls; `words.parse` (reading/words.py) says whether
a message is a command word. Each other file carries out the words of one theme:

    approve.py  YES, NO                  status/    STATUS, COST
    resume.py   CONTINUE, RETRY, DROP    more.py    MORE
    undo.py     UNDO                     abort.py   ABORT
    budget.py   ADD

To add a word, say PAUSE:

1. reading/words.py: one row in `Word`, with the form in which it is written;
2. pause.py: a class with `words` and `answer`, see abort.py for a short one; its sentences: supervisor/sentences;
3. handlers.py: one row in `build_dispatcher`;
4. `READING` of reading/words.py, if it changes nothing;
5. docs/usage.md, and the list above.

A word without a handler, or with two, stops the daemon at its start. The words are a contract: docs/usage.md.
"""

from __future__ import annotations
