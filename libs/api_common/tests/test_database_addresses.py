"""Addresses of databases: what is accepted, and what is refused without its password."""

from pathlib import Path

import pytest
from api_common._engines import DatabaseAddressError, make_folder
from api_common._engines import database_url as resolve


@pytest.mark.parametrize(
    ("template", "address"),
    [
        (None, "sqlite:////data/shop.sqlite3"),
        ("sqlite:////srv/{service}/x.db", "sqlite:////srv/shop/x.db"),
        ("postgres://u:p@h:1/purser", "postgresql://u:p@h:1/purser"),
        ("postgresql+psycopg://{service}@h/purser?sslmode=require", "postgresql://shop@h/purser?sslmode=require"),
    ],
)
def test_addresses_are_accepted_in_their_usual_forms(template: str | None, address: str) -> None:
    found = resolve(template, data_dir=Path("/data"), service="shop")
    assert found.render_as_string(hide_password=False) == address


@pytest.mark.parametrize("template", ["mysql://u:hunter2@h/x", "sqlite://", "sqlite:///:memory:", "nonsense hunter2"])
def test_an_unusable_address_is_refused_without_its_password(template: str) -> None:
    with pytest.raises(DatabaseAddressError, match=r"shop.*Give sqlite:") as refused:
        resolve(template, data_dir=Path("/data"), service="shop")
    assert "hunter2" not in str(refused.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = resolve(None, data_dir=tmp_path / "file" / "data", service="shop")
    with pytest.raises(DatabaseAddressError, match=r"file/data cannot be made \(Not a directory\)"):
        make_folder(url)
