"""The PostgreSQL that services run apart on."""

import stat
from pathlib import Path

import psycopg
import pytest
from workspace.database import postgres


def test_each_service_writes_its_own_schema_and_nothing_else_and_finds_it_again(tmp_path: Path) -> None:
    with postgres(tmp_path, ["alpha", "beta"]) as urls, psycopg.connect(urls["alpha"], autocommit=True) as alpha:
        alpha.execute("CREATE TABLE IF NOT EXISTS alpha.rows (amount numeric)")
        alpha.execute("INSERT INTO alpha.rows VALUES (1)")
        for forbidden in (
            "CREATE TABLE beta.rows (amount numeric)",
            "CREATE TABLE public.rows (amount numeric)",
            "CREATE SCHEMA gamma",
            "CREATE ROLE gamma",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                alpha.execute(forbidden)
        with (
            psycopg.connect(urls["beta"], autocommit=True) as beta,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            beta.execute("SELECT * FROM alpha.rows")

    assert stat.S_IMODE((tmp_path / "passwords.json").stat().st_mode) == 0o600
    with postgres(tmp_path, ["alpha", "beta"]) as again, psycopg.connect(again["alpha"]) as alpha:
        assert again == urls
        assert alpha.execute("SELECT count(*) FROM alpha.rows").fetchone() != (0,)
        alpha.execute("DROP TABLE alpha.rows")


def test_a_service_may_be_called_by_a_word_of_sql(tmp_path: Path) -> None:
    with postgres(tmp_path, ["user"]) as urls, psycopg.connect(urls["user"]) as user:
        user.execute('CREATE TABLE "user".orders (amount numeric)')
        assert user.execute("SELECT tableowner FROM pg_tables WHERE schemaname = 'user'").fetchall() == [("user",)]
