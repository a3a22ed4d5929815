"""The page on identity shows what happens."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "identity.md"
_UPLOAD = re.compile(r"^```csv\n(.*?)^```\n+(?:[^\n]+\n)*\n*```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECTIONS: dict[str, list[tuple[str, str]]] = {
    section.partition("\n")[0].strip().lower().replace(" ", "-"): found
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")
    if (found := _UPLOAD.findall(section))
}


@pytest.mark.parametrize("uploads", SECTIONS.values(), ids=SECTIONS)
async def test_the_examples_of_the_page_count_what_they_say(household: Any, uploads: list[tuple[str, str]]) -> None:
    account = await household.account()
    for content, expected in uploads:
        answer = await household.upload(content.encode(), account_id=account["id"])
        names = ("read", "booked", "repeated", "replaced", "refused", "proposed", "proved")
        assert {name: answer[name] for name in names if answer[name]} == json.loads(expected)


def test_the_page_has_examples() -> None:
    assert sum(len(uploads) for uploads in SECTIONS.values()) == 15
