"""A table of unknown shape: proposed, confirmed or corrected, and from then on read."""

import io
import zipfile
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

UNKNOWN = b"Wann;Wofuer;Wieviel\n13.04.2026;Tee;-2,80\n14.04.2026;Miete;-900,00\n15.04.2026;Lohn;1.500,00\n"
UNCLEAR = b"Moment,Thing,Sum,Coin\n03/04/2026,Tea,2.80,EUR\n05/04/2026,Rent,900.00,EUR\n"
"""Nothing says whether the day is first, and purchases are positive."""


async def refused(client: httpx2.AsyncClient, content: bytes) -> dict[str, Any]:
    answer = await client.post("/v1/imports", content=content)
    assert answer.status_code == 422, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == "unknown_csv_shape"
    return problem


async def confirm(client: httpx2.AsyncClient, mapping: object, name: str = "My bank") -> httpx2.Response:
    return await client.post("/v1/csv-profiles", json={"name": name, "mapping": mapping})


async def rows(client: httpx2.AsyncClient) -> list[tuple[str, str, str]]:
    items = (await client.get("/v1/transactions", params={"sort": "booking_date"})).json()["items"]
    return [(item["booking_date"], item["amount"], item["description"]) for item in items]


async def test_an_unknown_table_is_answered_with_a_proposal_and_read_once_it_is_confirmed(
    client: httpx2.AsyncClient, household: Any
) -> None:
    account = await household.account()
    proposal = (await refused(client, UNKNOWN))["proposal"]
    assert [(column["name"], column["role"]) for column in proposal["columns"]] == [
        ("Wann", "booking_date"),
        ("Wofuer", "text"),
        ("Wieviel", "amount"),
    ]
    shown = [(entry["booking_date"], entry["amount"], entry["description"]) for entry in proposal["entries"]]
    assert (proposal["date_order"], proposal["decimal"], proposal["rows"]) == ("day", ",", 3)
    assert await rows(client) == []

    kept = await confirm(client, proposal["mapping"])
    assert kept.status_code == 201, kept.text
    assert kept.json()["header_key"] == proposal["header_key"]
    booked = await household.upload(UNKNOWN, account_id=account["id"])
    assert (booked["format"], booked["booked"], booked["refused"]) == ("csv/own", 3, 0)
    assert (
        await rows(client)
        == shown
        == [
            ("2026-04-13", "-2.80", "Tee"),
            ("2026-04-14", "-900.00", "Miete"),
            ("2026-04-15", "1500.00", "Lohn"),
        ]
    )
    following = await household.upload(UNKNOWN + b"16.04.2026;Brot;-3,10\n", account_id=account["id"])
    assert (following["booked"], following["repeated"]) == (1, 3)


async def test_day_and_month_and_the_sign_are_corrected_by_the_user(client: httpx2.AsyncClient, household: Any) -> None:
    proposal = (await refused(client, UNCLEAR))["proposal"]
    assert proposal["date_order"] is None
    assert proposal["warnings"]
    profile = (await confirm(client, proposal["mapping"])).json()
    left_open = (await client.post("/v1/imports", content=UNCLEAR)).json()
    assert left_open["code"] == "unclear_dates"
    assert "date_order" in left_open["detail"]

    corrected = {**proposal["mapping"], "date_order": "month", "inverted": True}
    changed = await household.change(f"/v1/csv-profiles/{profile['id']}", profile["version"], mapping=corrected)
    profile, account = changed.json(), await household.account()
    first = await household.upload(UNCLEAR, account_id=account["id"])
    assert await rows(client) == [("2026-03-04", "-2.80", "Tea"), ("2026-05-04", "-900.00", "Rent")]

    await client.post(f"/v1/imports/{first['id']}/undo")
    turned = {**corrected, "date_order": "day"}
    changed = await household.change(f"/v1/csv-profiles/{profile['id']}", profile["version"], mapping=turned)
    assert (changed.status_code, changed.headers["etag"]) == (200, '"3"')
    await household.upload(UNCLEAR, account_id=account["id"])
    assert await rows(client) == [("2026-04-03", "-2.80", "Tea"), ("2026-04-05", "-900.00", "Rent")]


async def test_a_proposal_can_be_asked_for_and_writes_nothing(client: httpx2.AsyncClient) -> None:
    raw = await client.post("/v1/csv-profiles/proposals", content=UNKNOWN)
    form = await client.post("/v1/csv-profiles/proposals", files={"file": ("x.csv", UNKNOWN)})
    known = await client.post("/v1/csv-profiles/proposals", content=b"Date,Amount,Description\n2026-03-01,-1.00,Tea\n")
    assert raw.json() == form.json() == (await refused(client, UNKNOWN))["proposal"]
    assert known.status_code == 200
    assert (await client.get("/v1/csv-profiles")).json()["items"] == []


async def test_a_header_that_no_mapping_could_hold_is_refused_with_a_reason(client: httpx2.AsyncClient) -> None:
    content = b"When,Amount," + b"W" * 300 + b"\n03/04/2026,-2.80,Tea\n"
    assert "proposal" not in await refused(client, content)
    answer = await client.post("/v1/csv-profiles/proposals", content=content)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_format")


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty_file"), (b"just words\n", "unknown_format"), (b"\x00\x01\x02", "binary_file")]
)
async def test_what_is_no_table_has_no_proposal(client: httpx2.AsyncClient, content: bytes, code: str) -> None:
    answer = await client.post("/v1/csv-profiles/proposals", content=content)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_profile_goes_before_a_dialect_that_is_known(client: httpx2.AsyncClient, household: Any) -> None:
    known = b"Date,Description,Amount,Currency\n2026-04-02,Coffee,2.80,EUR\n"
    account = await household.account()
    proposal = (await client.post("/v1/csv-profiles/proposals", content=known)).json()
    assert (await confirm(client, {**proposal["mapping"], "inverted": True, "decimal": "."})).status_code == 201
    booked = await household.upload(known, account_id=account["id"])
    assert (booked["format"], await rows(client)) == ("csv/own", [("2026-04-02", "-2.80", "Coffee")])


async def test_a_mapping_that_leaves_something_open_is_refused_field_by_field(client: httpx2.AsyncClient) -> None:
    mapping = (await refused(client, UNKNOWN))["proposal"]["mapping"]
    open_ended = {**mapping, "decimal": "", "thousands": "!"}
    open_ended["columns"] = [{**column, "role": "ignored"} for column in mapping["columns"]]
    answer = await confirm(client, open_ended)
    assert (answer.status_code, answer.json()["code"]) == (422, "csv_mapping_invalid")
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        "/body/mapping/columns",
        "/body/mapping/decimal",
        "/body/mapping/thousands",
    }
    assert (await confirm(client, {**mapping, "colour": "red"})).json()["code"] == "invalid_request"


async def test_a_header_has_one_profile_which_is_found_changed_and_deleted(
    client: httpx2.AsyncClient, household: Any, stranger: dict[str, str]
) -> None:
    mapping = (await refused(client, UNKNOWN))["proposal"]["mapping"]
    profile = (await confirm(client, mapping)).json()
    path = f"/v1/csv-profiles/{profile['id']}"
    twice = await confirm(client, {**mapping, "inverted": True}, name="Again")
    assert (twice.status_code, twice.json()["code"]) == (409, "csv_profile_exists")
    assert twice.json()["profile_id"] == profile["id"]
    other = (await refused(client, UNCLEAR))["proposal"]["mapping"]
    second = (await confirm(client, {**other, "date_order": "day"}, name="Other")).json()
    listed = (await client.get("/v1/csv-profiles")).json()["items"]
    assert [item["name"] for item in listed] == ["Other", "My bank"]
    clash = await household.change(f"/v1/csv-profiles/{second['id']}", 1, mapping=mapping)
    assert clash.json()["code"] == "csv_profile_exists"
    renamed = await household.change(path, 1, name="My old bank")
    assert (renamed.json()["name"], renamed.json()["mapping"]) == ("My old bank", profile["mapping"])
    assert (await client.get(path)).json() == renamed.json()
    assert (await household.delete(path, 1)).status_code == 412
    assert (await client.get(path, headers=stranger)).json()["code"] == "csv_profile_not_found"
    assert (await household.delete(path, 2)).status_code == 204
    await refused(client, UNKNOWN)


async def test_a_profile_is_read_by_its_owner_only_and_travels_in_an_archive(
    client: httpx2.AsyncClient, household: Any, stranger: dict[str, str]
) -> None:
    await confirm(client, (await refused(client, UNKNOWN))["proposal"]["mapping"])
    foreign = await client.post("/v1/imports", content=UNKNOWN, headers=stranger)
    assert foreign.json()["code"] == "unknown_csv_shape"
    archive = (await client.get("/v1/archive")).content
    assert (await client.post("/v1/archive", content=archive, headers=stranger)).status_code == 201
    moved = await client.post("/v1/imports", content=UNKNOWN, headers=stranger, params={"currency": "EUR"})
    assert moved.json()["code"] == "account_needed"
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        assert b'"My bank"' in file.read("data/csv_profiles.jsonl")


NAMES = ("Tag", "Datum", "Wert", "Betrag", "Soll", "Haben", "Zweck", "Saldo", "D/K", "Status", "Konto", "Betrag", "")
CELLS = (
    *(
        "",
        "03/04/2026",
        "31.12.2025",
        "2026-02-30",
        "-1,50",
        "1.234,56",
        "1,234.56",
        "(5)",
        "EUR",
        "€ 3",
        "D",
        "K",
        "Tee",
    ),
    *("pending", "9" * 30, "=1+1", "ü\u2028", '"', "\x00", "\ufeffDatum", "1e400", "-", "NaN"),
)


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    header = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6))
    row = st.lists(st.sampled_from(CELLS), min_size=len(header) - 1, max_size=len(header) + 1)
    return [header, *draw(st.lists(row, max_size=8))]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), delimiter=st.sampled_from([",", ";", "\t", "|"]))
async def test_whatever_table_is_sent_it_is_proposed_kept_and_read_or_refused_with_a_reason(
    client: httpx2.AsyncClient, table: list[list[str]], delimiter: str
) -> None:
    content = "\n".join(delimiter.join(row) for row in table).encode()
    proposed = await client.post("/v1/csv-profiles/proposals", content=content)
    assert proposed.status_code in {200, 422}, proposed.text
    if proposed.status_code == 200:
        kept = await confirm(client, proposed.json()["mapping"])
        assert kept.status_code in {201, 409, 422}, kept.text
    uploaded = await client.post("/v1/imports", content=content, params={"preview": True})
    assert uploaded.status_code in {200, 422}, uploaded.text
