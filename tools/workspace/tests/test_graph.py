"""The graph as JSON, as text, and as a page that a real browser opens without a network."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from workspace.graph import Graph, as_json, as_page, as_text, joined
from workspace.members import Member, ServiceDeclaration
from workspace.targets import Target

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RULES = {"kind:library": [], "kind:service": ["kind:library"]}


def member(path: str, *needs: str, kind: str = "library", calls: tuple[str, ...] = ()) -> Member:
    name = Path(path).name
    service = ServiceDeclaration(1, (), "a:b", calls) if kind == "service" else None
    dependencies = tuple(f"purser-{need}" for need in needs)
    return Member(
        Path("/"),
        path,
        f"purser-{name}",
        "1.0.0",
        f"The package {name} </script>",
        service,
        dependencies,
        tags=(f"kind:{kind}",),
        owner="household",
    )


def source(path: str, *needs: str) -> Target:
    return Target(path, "python_source", (path,), needs)


@pytest.fixture
def drawn() -> Graph:
    """Two libraries of which one imports the other against the rules, and two services."""
    found = [
        member("libs/money"),
        member("libs/ledger"),
        member("services/books", "money", "ledger", kind="service"),
        member("services/web", "ledger", kind="service", calls=("books",)),
    ]
    files = [
        source("libs/money/src/money/amounts.py"),
        source("libs/ledger/src/ledger/rows.py", "libs/money/src/money/amounts.py"),
        source("services/books/src/books/main.py", "libs/ledger/src/ledger/rows.py"),
        source("services/web/src/web/main.py", "libs/ledger/src/ledger/rows.py"),
    ]
    return joined(found, {target.address: target for target in files}, RULES)


def test_edges_carry_the_imports_that_make_them_and_the_rule_that_forbids_them(drawn: Graph) -> None:
    edges = {(edge.source, edge.target): edge for edge in drawn.edges}

    forbidden = edges["libs/ledger", "libs/money"]
    assert forbidden.imports == (("libs/ledger/src/ledger/rows.py", "libs/money/src/money/amounts.py"),)
    assert (forbidden.declared, forbidden.violation) == (False, "kind:library may depend on: no other package")
    declared = edges["services/books", "libs/money"]
    assert (declared.imports, declared.declared, declared.violation) == ((), True, None)
    assert len(edges) == 4


def test_the_text_names_each_dependency_and_why(drawn: Graph) -> None:
    assert as_text(drawn).splitlines() == [
        "libs/money 1.0.0",
        "libs/ledger 1.0.0",
        "  -> libs/money (1 import, undeclared; FORBIDDEN: kind:library may depend on: no other package)",
        "services/books 1.0.0",
        "  -> libs/ledger (1 import)",
        "  -> libs/money (declared)",
        "services/web 1.0.0",
        "  -> libs/ledger (1 import)",
        "  ~> services/books (HTTP)",
    ]


def test_the_json_holds_nodes_edges_and_calls(drawn: Graph) -> None:
    document = json.loads(as_json(drawn))
    assert [node["path"] for node in document["nodes"]] == [
        "libs/money",
        "libs/ledger",
        "services/books",
        "services/web",
    ]
    assert document["calls"] == [{"source": "services/web", "target": "services/books"}]
    assert len(document["edges"]) == 4


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    if BROWSER is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=quiet)
        context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
        yield context.new_page()
        browser.close()


@pytest.fixture
def opened(browser_page: Page, drawn: Graph, tmp_path: Path) -> Page:
    """The page of the graph, in a browser without a network."""
    return open_page(browser_page, drawn, tmp_path)


def open_page(page: Page, drawn: Graph, folder: Path) -> Page:
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    (folder / "graph.html").write_text(as_page(drawn), encoding="utf-8")
    page.goto((folder / "graph.html").as_uri())
    assert trouble == []
    return page


def bright(page: Page) -> set[str]:
    """The packages that are shown and not faded."""
    return set(page.eval_on_selector_all(".node:not(.faint)", "nodes => nodes.map(node => node.dataset.path)"))


def test_the_page_shows_every_package_and_forbidden_edges_in_red(opened: Page) -> None:
    assert opened.inner_text("#summary") == "4 packages, 4 dependencies, 1 forbidden"
    assert bright(opened) == {"libs/money", "libs/ledger", "services/books", "services/web"}
    red = opened.eval_on_selector(".edge.forbidden", "edge => getComputedStyle(edge).stroke")
    assert red == "rgb(200, 16, 46)"
    assert "libs/ledger → libs/money: kind:library may depend on: no other package" in opened.inner_text("#details")


def test_a_chosen_package_tells_its_version_owner_and_whom_a_change_affects(opened: Page) -> None:
    opened.click('[data-path="libs/ledger"]')
    opened.select_option("#mode", "affected")

    details = opened.inner_text("#details")
    assert details.startswith("libs/ledger 1.0.0\n")
    assert "The package ledger </script>" in details
    assert "Owner: household. Tags: kind:library" in details
    assert "A change of it affects (2)" in details
    assert bright(opened) == {"libs/ledger", "services/books", "services/web"}


def test_focus_leaves_the_neighbours_and_needs_leaves_what_is_below(opened: Page) -> None:
    opened.click('[data-path="services/web"]')
    opened.select_option("#mode", "focus")
    assert bright(opened) == {"services/web", "libs/ledger"}
    opened.select_option("#mode", "needs")
    assert bright(opened) == {"services/web", "libs/ledger", "libs/money"}


def test_the_path_between_two_packages_is_marked(opened: Page) -> None:
    opened.click('[data-path="services/web"]')
    opened.select_option("#path", "libs/money")

    assert bright(opened) == {"services/web", "libs/ledger", "libs/money"}
    assert "Path (3)" in opened.inner_text("#details")
    assert opened.locator(".edge.marked").count() == 2


def test_an_edge_opens_the_imports_that_make_it(opened: Page) -> None:
    opened.dispatch_event('[data-edge="libs/ledger libs/money"]', "click")

    details = opened.inner_text("#details")
    assert "Forbidden: kind:library may depend on: no other package" in details
    assert "libs/ledger/src/ledger/rows.py → libs/money/src/money/amounts.py" in details


def test_search_finds_by_name_and_by_owner_and_reset_shows_everything(opened: Page) -> None:
    opened.fill("#find", "money")
    assert bright(opened) == {"libs/money"}
    opened.fill("#find", "household")
    assert len(bright(opened)) == 4
    opened.fill("#find", "nobody")
    assert bright(opened) == set()
    opened.click("#reset")
    assert len(bright(opened)) == 4


def test_two_hundred_packages_fit_the_page_and_none_covers_another(browser_page: Page, tmp_path: Path) -> None:
    found = [member(f"libs/library_{number}") for number in range(120)]
    found += [
        member(
            f"services/service_{number}", *(f"library_{(number * 7 + step) % 120}" for step in range(6)), kind="service"
        )
        for number in range(80)
    ]
    page = open_page(browser_page, joined(found, {}, RULES), tmp_path)

    boxes = page.eval_on_selector_all(
        ".node rect",
        "all => all.map(one => { const b = one.getBoundingClientRect(); return [b.x, b.y, b.right, b.bottom]; })",
    )
    canvas = page.locator("#canvas").bounding_box()
    assert canvas is not None
    assert len(boxes) == 200
    assert all(left >= canvas["x"] and right <= canvas["x"] + canvas["width"] for left, _, right, _ in boxes)
    assert all(top >= canvas["y"] and bottom <= canvas["y"] + canvas["height"] for _, top, _, bottom in boxes)
    apart = [
        a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        for index, a in enumerate(boxes)
        for b in boxes[index + 1 :]
    ]
    assert all(apart)
    page.click('[data-path="services/service_3"]', force=True)
    page.select_option("#mode", "focus")
    assert len(bright(page)) == 7
