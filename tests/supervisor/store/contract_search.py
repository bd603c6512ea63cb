"""The contract of the search: which exchanges are found, by whom, and what of them is shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from itertools import count
from types import SimpleNamespace

import pytest

from supervisor.protocol.messages import CHAT, ProjectName, UserId
from supervisor.store.messages import search
from supervisor.store.messages.search import SqlSearch
from supervisor.store.port import Store
from supervisor.store.records.acceptance import Superseding
from supervisor.store.records.chat import Found
from supervisor.store.transaction import Transaction
from tests.supervisor.store.builders import NOW, prompt, question, with_session
from tests.supervisor.store.contract_base import ContractBase
from tests.supervisor.store.contract_chats import ALICE, C1, answered, open_chat, written

BOB = UserId("bob")
COUNT = "SELECT count(*) FROM search"


async def found(store: Store, words: str, user_id: UserId = ALICE, *, shared: Sequence[ProjectName] = ()) -> list[str]:
    """Return the excerpts of what a user finds, the words that were looked for in brackets."""
    return [shown(one) for one in await store.search.find(user_id, words, shared=shared, limit=50)]


def shown(one: Found) -> str:
    """Return an excerpt as a text."""
    return "".join(f"[{part.text}]" if part.found else part.text for part in one.excerpt)


class SearchContract(ContractBase):
    """Words are found where a person may read them."""

    async def test_every_word_is_found_in_questions_and_answers_newest_first(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("Lunch on Friday?"), "At the café.")
        await answered(store, written("and dinner on friday evening"), "no")
        assert await found(store, "fri") == ["and dinner on [friday] evening", "Lunch on [Friday]?"]
        assert await found(store, "friday lunch") == ["[Lunch] on [Friday]?"]
        (hit,) = await store.search.find(ALICE, "CAFE", limit=5)
        assert (shown(hit), hit.role, hit.session_id, hit.accepted_ms) == ("At the [café].", "assistant", C1, NOW)
        assert len(await store.search.find(ALICE, "friday", limit=1)) == 1

    async def test_what_was_written_since_the_last_search_is_found_too(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("one apple"))
        assert await found(store, "apple") == ["one [apple]"]
        await store.turns.accept(written("an apple that waits"))
        assert await found(store, "apple") == ["one [apple]"]
        turn = await store.turns.start_next(C1, None, now_ms=NOW)
        assert turn is not None
        await answered(store, written("another apple", lane="other", thread=C1, channel=CHAT))
        assert await found(store, "apple") == ["another [apple]", "one [apple]"]

    async def test_words_without_blanks_between_them_are_found(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("明日の会議室を予約して"))
        assert await found(store, "会議") == ["明日の[会議]室を予約して"]
        assert await found(store, "議会") == []

    async def test_signs_are_no_query(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written('say "hello" AND (goodbye)'))
        assert await found(store, '" AND *') == ['say "hello" [AND] (goodbye)']
        assert await found(store, "hello NOT goodbye") == []
        assert await found(store, '"( *') == []

    async def test_a_character_with_signs_in_its_plain_form_is_a_word_and_stops_no_search(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("⑴ the first \u037a, \ufe70 and ﷺ"))
        assert await found(store, "first") == ["⑴ the [first] \u037a, \ufe70 and ﷺ"]
        assert await found(store, "⑴") == ["[⑴] the first \u037a, \ufe70 and ﷺ"]
        assert len(await found(store, "ﷺ")) == 1

    async def test_a_text_of_very_many_long_words_stops_no_search(self, store: Store) -> None:
        await open_chat(store)
        hashes = [sha256(str(number).encode()).hexdigest() for number in range(16_000)]
        await answered(store, written(" ".join(hashes)))
        await answered(store, written("one apple"))
        assert await found(store, "apple") == ["one [apple]"]
        assert len(await found(store, hashes[10_000])) == 1

    async def test_fewer_turns_are_indexed_at_once_where_it_takes_long(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await open_chat(store)
        for number in range(35):
            await answered(store, written(f"apple {number}"))
        searching, batches = store.search, list[int]()
        assert isinstance(searching, SqlSearch)
        index = searching._index

        def indexing(tx: Transaction) -> None:
            (before,) = tx.execute(COUNT).fetchone()
            index(tx)
            (after,) = tx.execute(COUNT).fetchone()
            batches.append(after - before)

        monkeypatch.setattr(searching, "_index", indexing)
        monkeypatch.setattr(search, "time", SimpleNamespace(monotonic=partial(next, count(0, 10))))
        assert len(await found(store, "apple")) == 35
        assert batches == [20, 10, 5]

    async def test_nobody_finds_what_belongs_to_another(self, store: Store) -> None:
        await open_chat(store)
        await with_session(store, "s1")
        await with_session(store, "s2", shared=True)
        await answered(store, written("secret of the chat"))
        await answered(store, prompt(text="secret of the session"))
        await answered(store, prompt("s2", text="secret that is shared"))
        await answered(store, question(text="secret by text"))
        assert len(await found(store, "secret")) == 4
        assert await found(store, "secret", BOB) == []
        assert await found(store, "secret", BOB, shared=[ProjectName("shop")]) == ["[secret] that is shared"]

    async def test_what_was_deleted_or_replaced_is_not_found(self, store: Store) -> None:
        await open_chat(store)
        first = await answered(store, written("a green apple"))
        assert len(await found(store, "apple")) == 1
        await answered(store, written("a red apple", supersedes=Superseding(first=first, why="")))
        assert await found(store, "apple") == ["a red [apple]"]
        await store.chats.delete(C1, by=ALICE, now_ms=NOW)
        assert await found(store, "apple") == []

    async def test_chats_are_found_by_their_titles(self, store: Store) -> None:
        await open_chat(store)
        await answered(store, written("x", title="Plan for Friday"))
        assert [one.id for one in await store.search.titles(ALICE, "friday plan", limit=5)] == [C1]
        assert await store.search.titles(BOB, "friday", limit=5) == []
        assert await store.search.titles(ALICE, "%", limit=5) == []
