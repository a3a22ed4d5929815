"""Which passwords are accepted, and how they are stored and verified."""

import unicodedata

import anyio
import argon2
import pytest
from auth_service.email_addresses import normalise_email
from auth_service.password_hashing import Argon2Parameters, PasswordHashing
from auth_service.password_policy import PasswordPolicyError, check_password, common_passwords, is_common
from auth_service.problems import TooManySignIns
from auth_service.settings import TEST_ARGON2, Settings
from config import SettingsError, load
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

SECRET = "k3-Yh_0vQm8Zr1xWc6Tn9Lb4Fj7Ds2Pg5Ua"


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("eleven char", "password_too_short"),
        ("x" * 257, "password_too_long"),
        ("passwordpassword", "password_common"),
        ("Password2026!!", "password_common"),
        ("P@ssw0rd123456", "password_common"),
        ("123456789012", "password_common"),
        ("qwertyuiop[]", "password_common"),
        ("poiuytrewq12", "password_common"),
        ("abcabcabcabc", "password_common"),
        ("zzzzzzzzzzzzzzzz", "password_common"),
        ("CorrectHorseBatteryStaple", "password_common"),
        ("lovelace-1815", "password_personal"),
        ("ada.lovelace@example.org", "password_personal"),
        ("Byron Byron!", "password_personal"),
    ],
)
def test_an_easily_guessed_password_is_refused_with_its_reason(password: str, code: str) -> None:
    with pytest.raises(PasswordPolicyError) as refused:
        check_password(password, personal=("ada.lovelace@example.org", "Augusta Byron"))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "password",
    ["a ladder of green paper", "tR7#qk2!vLp9", "nur kleine buchstaben", "ключ под ковриком", "x" * 100 + "yz" * 70],
)
def test_a_long_password_is_accepted_whatever_it_is_made_of(password: str) -> None:
    check_password(password[:256], personal=("ada.lovelace@example.org", "Augusta Byron"))


def test_a_name_inside_a_long_password_is_no_reason_to_refuse_it() -> None:
    check_password("ada lovelace wrote the first program", personal=("ada.lovelace@example.org",))


def test_length_is_counted_in_characters_after_unicode_normalisation() -> None:
    with pytest.raises(PasswordPolicyError, match="has 11 characters; at least 12"):
        check_password(unicodedata.normalize("NFD", "äöüäöüäöüäö"))


def test_the_list_holds_only_entries_that_the_check_refuses() -> None:
    assert len(common_passwords()) > 1500
    assert [word for word in common_passwords() if not is_common(word)] == []


@given(st.text(min_size=1, max_size=40))
def test_every_spelling_of_one_password_opens_the_same_account(password: str) -> None:
    hashing = PasswordHashing(TEST_ARGON2, slots=1, queue=1)

    async def stored_one_way_and_typed_another() -> bool:
        stored = await hashing.hash(unicodedata.normalize("NFC", password))
        return await hashing.verify(unicodedata.normalize("NFD", password), stored)

    assert anyio.run(stored_one_way_and_typed_another)


async def test_a_password_verifies_against_its_own_hash_only() -> None:
    hashing = PasswordHashing(TEST_ARGON2, slots=2, queue=2)
    stored = await hashing.hash("a ladder of green paper")
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await hashing.verify("a ladder of green paper", stored)
    assert not await hashing.verify("a ladder of green papers", stored)
    assert not await hashing.verify("nobody has this password", None)
    assert not await hashing.verify("a ladder of green paper", "no hash at all")


async def test_those_who_wait_for_a_slot_are_counted() -> None:
    hashing = PasswordHashing(TEST_ARGON2, slots=1, queue=2)

    async def pass_through() -> None:
        async with hashing.slot():
            pass

    async with anyio.create_task_group() as group, hashing.slot():
        group.start_soon(pass_through)
        group.start_soon(pass_through)
        await anyio.wait_all_tasks_blocked()
        counted = hashing.waiting
    assert (counted, hashing.waiting) == (2, 0)


def test_what_is_verified_for_an_unknown_address_is_a_hash_like_any_other_and_of_no_password() -> None:
    hashing = PasswordHashing(TEST_ARGON2, slots=1, queue=0)
    real = hashing._hasher.hash("four quiet ledgers")
    assert argon2.extract_parameters(hashing._nobody) == argon2.extract_parameters(real)
    # Anything malformed would be refused without the work, by another exception.
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        hashing._hasher.verify(hashing._nobody, "four quiet ledgers")


async def test_a_hash_of_other_parameters_is_recognised() -> None:
    weaker = PasswordHashing(TEST_ARGON2, slots=1, queue=1)
    stronger = PasswordHashing(Argon2Parameters(memory_kib=128, passes=2, parallelism=1), slots=1, queue=1)
    stored = await weaker.hash("a ladder of green paper")
    assert stronger.needs_rehash(stored)
    assert not weaker.needs_rehash(stored)


async def test_a_burst_beyond_slots_and_queue_is_refused_at_once() -> None:
    hashing = PasswordHashing(TEST_ARGON2, slots=1, queue=1)
    release = anyio.Event()
    holding = anyio.Event()

    async def hold() -> None:
        async with hashing.slot():
            holding.set()
            await release.wait()

    async with anyio.create_task_group() as group:
        group.start_soon(hold)
        await holding.wait()
        group.start_soon(hold)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TooManySignIns) as refused:
            async with hashing.slot():
                pytest.fail("a third one got in")
        assert refused.value.status == 503
        assert refused.value.headers["Retry-After"] == "5"
        release.set()


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        (" ada@example.org\n", "ada@example.org"),
        ("ada@home.lan", "ada@home.lan"),
        ("ada@localhost.localdomain", "ada@localhost.localdomain"),
        ("ada@xn--mnchen-3ya.example", "ada@münchen.example"),
    ],
)
def test_an_address_has_one_spelling(written: str, stored: str) -> None:
    assert normalise_email(written) == stored
    assert normalise_email(stored) == stored


@pytest.mark.parametrize("written", ["", "ada", "ada@", "@example.org", "ada@exa mple.org", "a" * 250 + "@example.org"])
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        normalise_email(written)


def test_production_refuses_weak_hashing() -> None:
    variables = {
        "PURSER_PROFILE": "production",
        "PURSER_SECRET_KEY": SECRET,
        "PURSER_AUTH_SERVICE__ARGON2_MEMORY_KIB": "1024",
    }
    with pytest.raises(SettingsError, match=r"PURSER_AUTH_SERVICE__ARGON2_MEMORY_KIB=1024 .* too weak for production"):
        load(Settings, environment=variables, env_file=None)
    del variables["PURSER_AUTH_SERVICE__ARGON2_MEMORY_KIB"]
    chosen = load(Settings, environment=variables, env_file=None).argon2
    assert chosen == Argon2Parameters(memory_kib=65536, passes=3, parallelism=4)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"argon2_memory_kib": 8, "argon2_parallelism": 4}, "at least 32"),
        ({"failures_per_account": "many"}, "many"),
        ({"key_publish_seconds": 5, "key_reload_seconds": 30}, "PURSER_AUTH_SERVICE__KEY_PUBLISH_SECONDS=5 is shorter"),
        ({"data_owners": {"ledger": "/v1/ledger"}}, "the path of ledger"),
        ({"access_token_seconds": 7200}, "3600"),
    ],
)
def test_settings_that_cannot_work_are_refused(overrides: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({"profile": "test", **overrides})
