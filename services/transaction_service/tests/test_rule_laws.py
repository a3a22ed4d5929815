"""Laws of rules: when they come does not matter, a dry run tells the truth, and no rule undoes what the user chose."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
from api_common.testing import Issuer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transaction_service.categories.defaults import default_category_id
from transaction_service.rules.text_patterns import TextIndex, TextPattern
from transaction_service.search.text import folded

GROCERIES = str(default_category_id("food/groceries"))
RESTAURANTS = str(default_category_id("food/restaurants"))
over_http = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
Rule = dict[str, Any]

PIECES = st.sampled_from(
    ["a", "ab", "ß", "Ä", ".", r"\d", "[a-c]", "^", "$", "(ab|c)", "a+", "(a*)*", "b{2,3}", " ", "é?"]
)
PATTERNS = st.lists(PIECES, min_size=1, max_size=5).map("".join)
TEXTS = st.text(st.sampled_from("aAbBcßSäÄ1é  "), max_size=12)


@given(
    needles=st.lists(TEXTS.filter(folded), max_size=4, unique_by=folded),
    patterns=st.lists(PATTERNS, max_size=4),
    found_in=st.lists(TEXTS, min_size=1, max_size=5),
)
def test_looking_for_many_texts_and_expressions_at_once_loses_none(
    needles: list[str], patterns: list[str], found_in: list[str]
) -> None:
    expressions = [TextPattern(pattern) for pattern in patterns]
    index = TextIndex(
        {folded(needle): [number] for number, needle in enumerate(needles)},
        [(expression, len(needles) + number) for number, expression in enumerate(expressions)],
    )
    for text_found in map(folded, found_in):
        numbers = index.numbers(text_found)
        containing = {n for n, needle in enumerate(needles) if folded(needle) in text_found}
        assert {n for n in numbers if n < len(needles)} == containing
        assert {len(needles) + n for n, e in enumerate(expressions) if e.fits(text_found)} <= numbers


def test_all_the_texts_that_rules_can_hold_are_looked_for() -> None:
    texts = {f"{number:05} {'x' * 194}": [number] for number in range(20_000)}
    index = TextIndex(texts, [])
    for number in (0, 9_999, 19_999):
        assert index.numbers(f"paid {number:05} {'x' * 194} today") == {number}


WORDS = st.sampled_from(["Rewe", "Aldi", "Kiosk 12", "ß", "rent"])
CONDITIONS = st.one_of(
    st.fixed_dictionaries({"field": st.just("text"), "operator": st.just("contains"), "value": WORDS}),
    st.fixed_dictionaries(
        {
            "field": st.sampled_from(["text", "merchant", "note", "tag", "description"]),
            "operator": st.sampled_from(["contains", "equals", "starts_with"]),
            "value": st.sampled_from(["Rewe", "Aldi", "given", "Shop", "x"]),
            "negated": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("text"),
            "operator": st.just("matches"),
            "value": st.sampled_from([r"\d", "^rewe", "shop|given", "ß"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "field": st.just("amount"),
            "operator": st.sampled_from(["less", "more", "equals"]),
            "value": st.just("-5"),
        }
    ),
    st.fixed_dictionaries({"field": st.just("day"), "operator": st.just("equals"), "value": st.integers(1, 2)}),
)
RULES = st.builds(
    lambda conditions, match, actions: {"conditions": conditions, "match": match, "actions": actions},
    st.lists(CONDITIONS, min_size=1, max_size=3),
    st.sampled_from(["all", "any"]),
    st.fixed_dictionaries(
        {},
        optional={
            "category_id": st.sampled_from([GROCERIES, RESTAURANTS]),
            "tags": st.lists(st.sampled_from(["x", "given"]), min_size=1, max_size=2, unique=True),
            "merchant": st.sampled_from(["Shop", "Aldi"]),
            "note": st.sampled_from(["given", "Rewe"]),
            "transfer": st.just(True),
        },
    ).filter(bool),
)
ROWS = st.lists(st.tuples(WORDS, st.sampled_from(["-5", "-7.10"]), st.integers(1, 3)), min_size=1, max_size=6)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "category_id": st.sampled_from([GROCERIES, RESTAURANTS]),
        "merchant": st.just("Mine"),
        "note": st.sampled_from(["", "mine"]),
        "marked_transfer": st.booleans(),
        "tags": st.just(["own"]),
    },
)
VARYING = ("id", "import_id", "account_id", "version", "created_at", "rule_id")


async def post(client: httpx2.AsyncClient, path: str, headers: dict[str, str], body: object = None) -> Any:
    answer = await client.post(path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json()


async def ledger(client: httpx2.AsyncClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    """All rows, oldest first, each with the conditions of the rule that categorised it in place of the rule's id."""
    rules = {r["id"]: r["conditions"] for r in (await client.get("/v1/rules", headers=headers)).json()["items"]}
    answer = await client.get("/v1/transactions", params={"limit": 500, "sort": "booking_date"}, headers=headers)
    return [
        {k: v for k, v in row.items() if k not in VARYING} | {"rule": rules.get(row["rule_id"])}
        for row in answer.json()["items"]
    ]


@over_http
@given(rows=ROWS, rules=st.lists(RULES, min_size=1, max_size=5))
async def test_rules_give_the_same_whether_they_come_before_the_rows_or_after(
    client: httpx2.AsyncClient,
    issuer: Issuer,
    ofx: Callable[..., bytes],
    row: Any,
    rows: list[tuple[str, str, int]],
    rules: list[Rule],
) -> None:
    file = ofx(*(row(f"2026-03-0{day}", amount, name=name, fitid=str(n)) for n, (name, amount, day) in enumerate(rows)))
    before, after = issuer.headers(uuid4()), issuer.headers(uuid4())
    for wanted in rules:
        await post(client, "/v1/rules", before, wanted)
    await client.post("/v1/imports", content=file, headers=before)
    await client.post("/v1/imports", content=file, headers=after)
    for wanted in rules:
        await post(client, "/v1/rules", after, wanted)
    shown = (await client.post("/v1/rules/preview", params={"limit": 500}, headers=after)).json()
    applied = await post(client, "/v1/rules/apply", after)
    assert shown["counts"] == applied
    assert len(shown["items"]) == applied["changed"]
    by_id = {r["id"]: r for r in (await client.get("/v1/transactions", headers=after)).json()["items"]}
    for changed in shown["items"]:
        assert {name: by_id[changed["id"]][name] for name in changed["after"]} == changed["after"]
        assert changed["before"] != changed["after"]
    assert await ledger(client, after) == await ledger(client, before)
    # Once applied, there is nothing left to do.
    assert await post(client, "/v1/rules/apply", before) == {**applied, "changed": 0, "cleared": 0}
    assert (await post(client, "/v1/rules/apply", after))["changed"] == 0


@over_http
@given(rows=ROWS, rules=st.lists(RULES, min_size=1, max_size=4), data=st.data())
async def test_rules_leave_nothing_to_do_on_rows_that_are_entered_by_hand(
    client: httpx2.AsyncClient,
    issuer: Issuer,
    rows: list[tuple[str, str, int]],
    rules: list[Rule],
    data: st.DataObject,
) -> None:
    headers = issuer.headers(uuid4())
    account = await client.post("/v1/accounts", json={"name": "Cash", "currency": "EUR"}, headers=headers)
    for wanted in rules:
        await post(client, "/v1/rules", headers, wanted)
    for name, amount, day in rows:
        chosen = data.draw(CHOICES)
        row = {"booking_date": f"2026-03-0{day}", "amount": amount, "description": name, **chosen}
        answer = await client.post(
            "/v1/transactions", json={"account_id": account.json()["id"], **row}, headers=headers
        )
        assert answer.status_code == 201, answer.text
    assert (await post(client, "/v1/rules/apply", headers))["changed"] == 0


STEPS = st.one_of(
    st.tuples(st.just("rule"), RULES),
    st.tuples(st.just("choose"), st.tuples(st.integers(0, 5), CHOICES)),
    st.tuples(st.just("forget"), st.none()),
    st.tuples(st.just("apply"), st.none()),
)


@over_http
@given(rows=ROWS, steps=st.lists(STEPS, min_size=3, max_size=10))
async def test_no_sequence_of_rules_undoes_what_the_user_chose(
    client: httpx2.AsyncClient,
    issuer: Issuer,
    ofx: Callable[..., bytes],
    row: Any,
    rows: list[tuple[str, str, int]],
    steps: list[tuple[str, Any]],
) -> None:
    headers = issuer.headers(uuid4())
    file = ofx(*(row(f"2026-03-0{day}", amount, name=name, fitid=str(n)) for n, (name, amount, day) in enumerate(rows)))
    await client.post("/v1/imports", content=file, headers=headers)
    ids = [r["id"] for r in (await client.get("/v1/transactions", headers=headers)).json()["items"]]
    chosen: dict[str, dict[str, Any]] = {row_id: {} for row_id in ids}
    for kind, what in [*steps, ("apply", None)]:
        if kind == "rule":
            await post(client, "/v1/rules", headers, what)
        elif kind == "choose":
            row_id = ids[what[0] % len(ids)]
            answer = await client.patch(
                f"/v1/transactions/{row_id}", json=what[1], headers={**headers, "If-Match": "*"}
            )
            assert answer.status_code == 200, answer.text
            chosen[row_id] |= what[1]
        elif kind == "forget":
            for kept in (await client.get("/v1/rules", headers=headers)).json()["items"]:
                await client.delete(f"/v1/rules/{kept['id']}", headers={**headers, "If-Match": "*"})
        else:
            await post(client, "/v1/rules/apply", headers)
    for row_id, wanted in chosen.items():
        found = (await client.get(f"/v1/transactions/{row_id}", headers=headers)).json()
        assert set(wanted.pop("tags", [])) <= set(found["tags"])
        expected = {name: value or None if name == "note" else value for name, value in wanted.items()}
        assert {name: found[name] for name in expected} == expected
        assert found["categorised_by"] == ("user" if "category_id" in wanted else found["categorised_by"])
        assert (found["rule_id"] is not None) == (found["categorised_by"] == "rule")
