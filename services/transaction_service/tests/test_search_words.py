"""The words of a search: spellings of one word find one another, and signs have no meaning."""

from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transaction_service.search.words import query_words, search_words


@given(st.text())
def test_a_text_is_found_by_itself(text: str) -> None:
    words = search_words(text)
    assert [word for word in query_words(text) if not word.fits(words)] == []


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_has_the_words_that_it_has_among_others(text: str) -> None:
    assert search_words(text).split() == [word for word in search_words(f"{text} \u00ff").split() if word != "y"] or (
        "y" in search_words(text).split()
    )


SPELLINGS = ("Müller", "MÜLLER", "mueller", "MUELLER", "muller", "mu\u0308ller")


@pytest.mark.parametrize("written", SPELLINGS)
async def test_spellings_of_one_name_find_one_another(household: Any, written: str) -> None:
    row = await household.enter(await household.account(), "-1", description=f"x {written} y")
    for asked in SPELLINGS:
        assert [found["id"] for found in await household.rows(q=asked)] == [row["id"]], asked


@pytest.mark.parametrize(
    ("text", "finds", "misses"),
    [
        ("Straße", ["strasse", "STRASSE", "Straße", "stras"], ["rasse"]),
        ("Ørsted", ["orsted", "oersted", "ØRSTED", "ørs"], []),
        ("Café Crème", ["cafe", "creme cafe", "CAFÉ CR"], ["cafe creme x"]),
        ("İstanbul ısı", ["istanbul", "isi", "ISTANBUL"], []),
        ("łódź", ["lodz", "ŁÓDŹ"], []),
        ("Post AG", ["post", "po ag"], ["poe", "poes"]),
        ("McDonald's", ["mcdonalds", "mcdonald's", "McDonald’s", "mcdonald"], ["s mcdonald's x"]),
        ("REWE-Markt/Köln", ["markt", "koln", "rewe-markt", "köln rewe"], ["rewemarkt"]),
        ("☕ and 🎁", ["☕", "🎁 and"], ["🎂"]),
        ("Ａｌｄｉ", ["aldi"], []),
    ],
)
async def test_words_are_found_whatever_their_spelling(
    household: Any, text: str, finds: list[str], misses: list[str]
) -> None:
    await household.enter(await household.account(), "-1", description=text)
    assert [query for query in finds if not await household.rows(q=query)] == []
    assert [query for query in misses if await household.rows(q=query)] == []


SIGNS = ['"', "*", "a*", '"a', "a:b", "(", ")", "a'b", "^a", "a|b", "!a", "%", "_", "&", "\\", "{a}", "+a", "-a"]
WORDY = ["a AND", "NEAR(a b)", "NOT a", "\t", "a" * 200, "é " * 60, "\u202e", "\ud7ff"]


@pytest.mark.parametrize("query", [*SIGNS, *WORDY])
async def test_signs_have_no_meaning_in_a_search(household: Any, client: httpx2.AsyncClient, query: str) -> None:
    await household.enter(await household.account(), "-1", description="z")
    for path in ("/v1/transactions", "/v1/transactions/totals"):
        answer = await client.get(path, params={"q": query})
        assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == (1 if not query.strip() else 0)


async def test_a_search_with_nul_is_refused(client: httpx2.AsyncClient) -> None:
    for path in ("/v1/transactions", "/v1/transactions/totals"):
        refused = await client.get(path, params={"q": "a\x00"})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
