"""Counting what the tests reported."""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed (errors count as failures) and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


def counts(folder: Path) -> Counts:
    """Add up the JUnit reports in a folder."""
    passed = failed = skipped = 0
    for report in sorted(folder.glob("*.xml")):
        # Our own tests wrote it a moment ago.
        for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314
            outcomes = {child.tag for child in case}
            if outcomes & {"failure", "error"}:
                failed += 1
            elif "skipped" in outcomes:
                skipped += 1
            else:
                passed += 1
    return Counts(passed, failed, skipped)
