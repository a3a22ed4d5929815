"""Settings from variables: what is read, what is refused, and in which words."""

import stat
import threading
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import pytest
from config import Profile, ServiceSettings, SettingsError, load
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, SecretStr

GOOD_SECRET = "kD3-vQx81nZbW0ytRf5hLcMe72sPqUoA"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Settings(ServiceSettings):
    """Settings of an example service."""

    service_name: ClassVar[str] = "example_service"

    access_token_seconds: int = Field(600, ge=60)
    owners: list[str] = Field(default_factory=list)
    colour: Colour = Colour.RED
    api_token: str | None = None
    folder: Path | None = None
    ratio: float = 0.5
    limits: dict[str, int] = Field(default_factory=dict)
    fancy: bool = False


def read(**variables: str) -> Settings:
    environment = {f"PURSER_{name}": value for name, value in variables.items()}
    return load(Settings, environment=environment, env_file=None)


def problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read(**variables)
    return list(caught.value.problems)


def test_without_variables_everything_has_a_default_for_one_person_on_one_machine() -> None:
    settings = read()
    assert settings.profile is Profile.DEVELOPMENT
    assert (settings.host, settings.port, settings.log_format) == ("127.0.0.1", 8000, "console")
    assert settings.data_dir.name == "purser"
    assert settings.database_url is None
    assert settings.token_issuer == settings.public_url
    assert settings.migrates_on_start


def test_shared_and_own_fields_have_different_prefixes() -> None:
    settings = read(PORT="8001", EXAMPLE_SERVICE__ACCESS_TOKEN_SECONDS="900", EXAMPLE_SERVICE__COLOUR="blue")
    assert (settings.port, settings.access_token_seconds, settings.colour) == (8001, 900, Colour.BLUE)


def test_the_environment_wins_over_the_env_file_which_wins_over_secret_files(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, text in {
        "PURSER_HOST": "secret",
        "purser_log_level": "error\n",
        "PURSER_PORT": "1",
        "other": "x",
    }.items():
        (secrets / name).write_text(text)
    env_file = tmp_path / ".env"
    env_file.write_text(f"PURSER_SECRETS_DIR={secrets}\nPURSER_HOST=file\nPURSER_PORT=2\nUNRELATED=x\n")
    settings = load(Settings, environment={"PURSER_PORT": "3"}, env_file=env_file)
    assert (settings.port, settings.host, settings.log_level) == (3, "file", "error")


def test_an_env_file_that_is_not_understood_is_named(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("OTHER\nOTHER TOO\n# PURSER_X\nexport PURSER_PROFILE\nPURSER_PORT 8001\nPURSER_HOST=a # b\n")
    with pytest.raises(SettingsError) as caught:
        load(Settings, environment={}, env_file=env_file)
    assert caught.value.problems == (
        f"{env_file}, line 4: a setting is written NAME=value",
        f"{env_file}, line 5: a setting is written NAME=value",
    )
    env_file.write_bytes(b"PURSER_HOST=\xff")
    with pytest.raises(SettingsError, match="cannot be read: not UTF-8 text"):
        load(Settings, environment={}, env_file=env_file)
    env_file.write_bytes(b"\xef\xbb\xbfPURSER_PORT=8001\n")
    assert load(Settings, environment={}, env_file=env_file).port == 8001


def test_an_empty_variable_counts_as_not_given() -> None:
    assert read(RATE_LIMIT="", PORT="").rate_limit is None


@pytest.mark.parametrize(
    "text", ["auth_service=http://a:1,ledger=https://b/", '{"auth_service": "http://a:1", "ledger": "https://b"}']
)
def test_addresses_are_pairs_or_json(text: str) -> None:
    assert read(SERVICE_URLS=text).service_urls == {"auth_service": "http://a:1", "ledger": "https://b"}


def test_lists_are_separated_by_commas() -> None:
    settings = read(CORS_ORIGINS="https://a.example, https://b.example", EXAMPLE_SERVICE__OWNERS='["x"]')
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.owners == ["x"]


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,10}", fullmatch=True), st.integers(0, 9), max_size=4))
def test_a_mapping_survives_being_written_as_pairs(limits: dict[str, int]) -> None:
    text = ",".join(f"{key}={value}" for key, value in limits.items())
    assert read(EXAMPLE_SERVICE__LIMITS=text).limits == limits


def test_nobody_may_choose_the_address_that_is_counted_unless_he_is_named() -> None:
    assert read().forwarded_allow_ips == ()
    assert read(FORWARDED_ALLOW_IPS="10.0.0.0/8, ::1").forwarded_allow_ips == ("10.0.0.0/8", "::1")
    for wrong in ("*", "proxy.internal", "10.0.0.1/8"):
        (found,) = problems(FORWARDED_ALLOW_IPS=wrong)
        assert f'"{wrong}" is neither an IP address nor a network' in found


def test_a_web_page_is_named_by_its_origin() -> None:
    assert read(CORS_ORIGINS="https://app.example/,http://localhost:3000,*").cors_origins == (
        "https://app.example",
        "http://localhost:3000",
        "*",
    )
    as_browsers_write_it = read(
        CORS_ORIGINS="HTTPS://App.Example:443,http://[2001:DB8::1]:80/,https://app.example:8443"
    )
    assert as_browsers_write_it.cors_origins == (
        "https://app.example",
        "http://[2001:db8::1]",
        "https://app.example:8443",
    )
    assert "Port could not be cast" in problems(CORS_ORIGINS="https://app.example:many")[0]
    for wrong in (
        "app.example",
        "https://app.example/page",
        "ftp://app.example",
        "https://me@app.example",
        "http://a?b",
    ):
        assert f'"{wrong}" is not an origin' in problems(CORS_ORIGINS=wrong)[0]


def test_a_tilde_is_the_home_folder_also_where_no_shell_has_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    settings = read(DATA_DIR="~/purser", JWKS_FILE="~/keys.json")
    assert (settings.data_dir, settings.jwks_file) == (Path("/home/ada/purser"), Path("/home/ada/keys.json"))


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    assert problems(LGO_LEVEL="debug") == [
        "PURSER_LGO_LEVEL (from environment) is not a setting: did you mean PURSER_LOG_LEVEL?"
    ]
    assert "did you mean PURSER_EXAMPLE_SERVICE__COLOUR?" in problems(EXAMPLE_SERVICE__COLOR="red")[0]
    assert "see libs/config/README.md" in problems(QQQQ="1")[0]


def test_variables_of_other_services_and_of_tools_are_no_business_of_ours() -> None:
    assert read(AUTH_SERVICE__ANYTHING="1", CORPUS="/corpus") == read()


def test_a_wrong_value_is_named_with_its_variable_and_the_accepted_form() -> None:
    found = problems(
        PORT="eighty",
        LOG_LEVEL="loud",
        PUBLIC_URL="ftp://x",
        SERVICE_URLS="auth_service",
        EXAMPLE_SERVICE__OWNERS="[broken",
        EXAMPLE_SERVICE__COLOUR="green",
        EXAMPLE_SERVICE__FANCY="perhaps",
        EXAMPLE_SERVICE__RATIO="much",
        EXAMPLE_SERVICE__LIMITS="a=b",
        EXAMPLE_SERVICE__ACCESS_TOKEN_SECONDS="5",
    )
    text = "\n".join(found)
    assert len(found) == 10
    assert 'PURSER_PORT="eighty" (from environment) is wrong' in text
    for accepted in (
        "a port number from 1 to 65535",
        "one of debug, info, warning, error",
        "the http(s) address that users see",
        'has no "=" in "auth_service"',
        "is broken JSON at character",
        "one of red, blue",
        "true or false",
        "a number",
        "at a",
        "greater than or equal to 60",
    ):
        assert accepted in text


def test_a_secret_value_is_never_shown() -> None:
    found = problems(SECRET_KEY="hunter2-secret", PROFILE="production")
    assert "hunter2" not in "\n".join(found)
    assert "hunter2" not in "\n".join(problems(DATABASE_URL="x" * 3, REDIS_URL="hunter2", PORT="hunter"))
    settings = read(SECRET_KEY=GOOD_SECRET, DATABASE_URL="postgresql://u:hunter2@db/x", REDIS_URL="redis://:hunter2@r")
    assert GOOD_SECRET not in repr(settings)
    assert "hunter2" not in repr(settings)


def test_a_wrong_secret_is_named_without_its_value() -> None:
    class Strict(Settings):
        """An own field whose name says that it is secret."""

        signing_key: SecretStr = Field(SecretStr("x" * 8), min_length=8)
        api_token: str | None = Field(None, max_length=3)

    with pytest.raises(SettingsError) as caught:
        load(
            Strict,
            environment={
                "PURSER_EXAMPLE_SERVICE__SIGNING_KEY": "hunt2",
                "PURSER_EXAMPLE_SERVICE__API_TOKEN": "hunter2",
            },
            env_file=None,
        )
    assert "PURSER_EXAMPLE_SERVICE__SIGNING_KEY (hidden, from environment)" in str(caught.value)
    assert "PURSER_EXAMPLE_SERVICE__API_TOKEN (hidden, from environment)" in str(caught.value)
    assert "hunt" not in str(caught.value)


def test_a_required_own_field_that_is_missing_is_named() -> None:
    class Needy(ServiceSettings):
        """A service that cannot guess."""

        service_name: ClassVar[str] = "needy"
        bank: str

    with pytest.raises(SettingsError, match=r"PURSER_NEEDY__BANK is missing. Accepted: text."):
        load(Needy, environment={}, env_file=None)


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (None, "PURSER_SECRET_KEY is missing"),
        ("short", "shorter than 32 characters"),
        ("development-" + "x7Kq" * 10, "is a development secret"),
        ("changeme-changeme-changeme-changeme", "is a development secret"),
        ("ababababababababababababababababab", "is a development secret"),
    ],
)
def test_production_refuses_a_missing_or_weak_secret(secret: str | None, reason: str) -> None:
    variables = {"PROFILE": "production"} | ({"SECRET_KEY": secret} if secret else {})
    assert reason in problems(**variables)[0]


def test_production_refuses_several_replicas_on_sqlite() -> None:
    variables = {"PROFILE": "production", "SECRET_KEY": GOOD_SECRET, "REPLICAS": "3"}
    assert "PURSER_REPLICAS=3 needs a database that several processes can share" in problems(**variables)[0]
    assert read(**variables, DATABASE_URL="postgresql://db/x").replicas == 3


def test_production_has_its_own_defaults() -> None:
    settings = read(PROFILE="production", SECRET_KEY=GOOD_SECRET)
    assert (settings.log_format, settings.migrates_on_start, settings.drain_seconds) == ("json", False, 3.0)
    assert read(PROFILE="production", SECRET_KEY=GOOD_SECRET, MIGRATE_ON_START="true").migrates_on_start


def test_building_settings_directly_reads_no_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PURSER_PORT", "9999")
    assert Settings(profile=Profile.TEST, data_dir=tmp_path).port == 8000
    assert load(Settings, env_file=None).port == 9999


def test_a_development_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(settings.require_secret_key().get_secret_value()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 8
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]
    assert "is a development secret" in problems(PROFILE="production", SECRET_KEY=found[0])[0]


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 40])
def test_a_secret_file_without_a_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(SettingsError, match=r"secret\.key .*set PURSER_SECRET_KEY"):
        Settings(data_dir=tmp_path).require_secret_key()
    assert (tmp_path / "secret.key").read_bytes() == content


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"Not a directory.*PURSER_DATA_DIR"):
        Settings(data_dir=tmp_path / "file" / "data").require_secret_key()


def test_a_given_secret_is_used_as_it_is(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=SecretStr(GOOD_SECRET))
    assert settings.require_secret_key().get_secret_value() == GOOD_SECRET
    assert list(tmp_path.iterdir()) == []


def test_a_secrets_folder_that_is_missing_or_unreadable_is_named(tmp_path: Path) -> None:
    assert "is not a folder" in problems(SECRETS_DIR=str(tmp_path / "none"))[0]
    (tmp_path / "PURSER_SECRET_KEY").write_bytes(b"\xff\xfe\xff")
    assert "PURSER_SECRET_KEY cannot be read: not UTF-8 text" in problems(SECRETS_DIR=str(tmp_path))[0]


def test_the_readme_names_every_shared_variable() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    missing = [name for name in ServiceSettings.model_fields if f"PURSER_{name.upper()}`" not in readme]
    assert missing == []
