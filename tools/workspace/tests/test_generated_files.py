"""The catalogue, the versions, the README's table, and telling a stale file from a current one."""

import json
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from workspace import openapi, settings_table
from workspace.boundaries import CASES, unrefused
from workspace.catalogue import catalogue, check, readme_table
from workspace.errors import WorkspaceError
from workspace.generated import Generated, readme, version_module
from workspace.main import main
from workspace.members import chosen, members, services

Declare = Callable[..., Path]


def test_packages_are_found_by_group_and_name_and_know_their_folders(tmp_path: Path, declare: Declare) -> None:
    declare("services/ledger", service='port = 1\nprefixes = []\nimport = "ledger.main:service"\ncalls = []')
    declare("libs/settings")
    declare("libs/clients")

    found = members(tmp_path)

    assert [member.path for member in found] == ["libs/clients", "libs/settings", "services/ledger"]
    assert [member.name for member in services(tmp_path)] == ["ledger"]
    assert (found[0].distribution, found[0].version) == ("purser-clients", "1.2.3")
    assert found[2].sources == tmp_path / "services" / "ledger" / "src" / "ledger"
    assert found[2].tests == tmp_path / "services" / "ledger" / "tests"


def test_packages_are_chosen_by_folder_or_by_name(tmp_path: Path, declare: Declare) -> None:
    declare("libs/settings")
    declare("libs/clients")

    assert [member.name for member in chosen(tmp_path, ["settings", "libs/clients/"])] == ["settings", "clients"]
    assert len(chosen(tmp_path, [])) == 2
    with pytest.raises(
        WorkspaceError, match=r'No package is called "setings"\. There are: libs/clients, libs/settings'
    ):
        chosen(tmp_path, ["setings"])


@pytest.mark.parametrize(
    ("project", "service", "message"),
    [
        ('name = "purser-ledger"\ndescription = ""', "", r"services/ledger/pyproject\.toml: `version` is missing"),
        ("", 'prefixes = []\nimport = "a:b"\ncalls = []', "needs a `port`"),
        ("", 'port = 1\nprefixes = "/v1"\nimport = "a:b"\ncalls = []', "`prefixes` is missing or no list of texts"),
        ("", "port = 1\nprefixes = []\ncalls = []", "`import` is missing"),
    ],
)
def test_an_incomplete_declaration_is_named_with_its_file(
    tmp_path: Path, declare: Declare, project: str, service: str, message: str
) -> None:
    declare("services/ledger", project=project, service=service)

    with pytest.raises(WorkspaceError, match=message):
        members(tmp_path)


def test_the_catalogue_says_what_the_services_say(tmp_path: Path, service: Declare) -> None:
    service("ledger", 8002, "/v1/ledger", "/v1/accounts", calls=("gate",))
    service("gate", 8001, "/v1/auth")

    written = tomllib.loads(catalogue(services(tmp_path)))

    assert written == {
        "services": {
            "gate": {
                "summary": "The package gate",
                "port": 8001,
                "prefixes": ["/v1/auth"],
                "import": "gate.main:service",
                "calls": [],
            },
            "ledger": {
                "summary": "The package ledger",
                "port": 8002,
                "prefixes": ["/v1/ledger", "/v1/accounts"],
                "import": "ledger.main:service",
                "calls": ["gate"],
            },
        }
    }


def test_two_services_cannot_take_one_port(tmp_path: Path, service: Declare) -> None:
    service("gate", 8001)
    service("ledger", 8001)

    with pytest.raises(WorkspaceError, match=r"services/gate/.* and services/ledger/.* both take port 8001"):
        check(services(tmp_path))


@pytest.mark.parametrize("prefix", ["/v1/ledger", "/v1/ledger/entries", "/v1"])
def test_two_services_cannot_answer_the_same_path(tmp_path: Path, service: Declare, prefix: str) -> None:
    service("books", 8001, "/v1/ledger")
    service("ledger", 8002, prefix)

    with pytest.raises(WorkspaceError, match=rf'services/ledger/.*"{prefix}" overlaps with "/v1/ledger" of books'):
        check(services(tmp_path))


def test_prefixes_that_only_begin_alike_do_not_overlap(tmp_path: Path, service: Declare) -> None:
    service("books", 8001, "/v1/ledger")
    service("ledger", 8002, "/v1/ledgers")

    assert "[services.books]" in catalogue(services(tmp_path))


def test_a_call_to_a_service_that_does_not_exist_is_refused(tmp_path: Path, service: Declare) -> None:
    service("ledger", 8002, calls=("gaet",))

    with pytest.raises(WorkspaceError, match=r'services/ledger/pyproject\.toml: calls "gaet"'):
        catalogue(services(tmp_path))


def test_the_readme_gets_its_table_between_its_marks_and_keeps_the_rest(tmp_path: Path, service: Declare) -> None:
    service("ledger", 8002, "/v1/ledger")
    service("gate", 8001)
    (tmp_path / "README.md").write_text("# House\n<!-- services -->\nold\n<!-- /services -->\nend\n", encoding="utf-8")

    filled = readme(tmp_path, services(tmp_path)).content

    table = readme_table(services(tmp_path))
    assert filled == f"# House\n<!-- services -->\n{table}<!-- /services -->\nend\n"
    assert table.splitlines()[2].startswith("| [`gate`](services/gate/README.md) | 8001 | everything, embedded |")
    assert table.splitlines()[3].startswith("| [`ledger`](services/ledger/README.md) | 8002 | `/v1/ledger` |")


def test_a_readme_without_marks_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# House\n", encoding="utf-8")

    with pytest.raises(WorkspaceError, match=r"README\.md: the marks"):
        readme(tmp_path, [])


def test_a_file_is_stale_until_it_is_written(tmp_path: Path) -> None:
    file = Generated(tmp_path / "new" / "file.txt", "content\n")

    before = file.is_stale()
    file.write()

    assert (before, file.is_stale()) == (True, False)
    file.path.write_text("edited by hand\n", encoding="utf-8")
    assert file.is_stale()


def test_the_version_module_holds_the_version_of_the_declaration(tmp_path: Path, service: Declare) -> None:
    service("ledger", 8002)
    namespace: dict[str, str] = {}

    exec(version_module(services(tmp_path)[0]), namespace)

    assert namespace["VERSION"] == "1.2.3"


def test_a_service_that_cannot_be_built_is_named_with_its_trouble(tmp_path: Path, service: Declare) -> None:
    service("no_such_service_here", 8002)

    with pytest.raises(
        WorkspaceError, match=r"services/no_such_service_here: its application cannot be built(.|\n)*Modul"
    ):
        openapi.document(services(tmp_path)[0])


APPLICATION = """
class App:
    def openapi(self):
        return {"paths": {}, "info": {"title": "Ledger"}}

def create_app():
    return App()
"""


@pytest.fixture
def house(
    tmp_path: Path, composition: Declare, stand_in: Callable[[str, str], None], importable: Callable[..., None]
) -> Path:
    """A workspace of a front door and nothing behind it, with a lock that asks for nothing."""
    folder = composition("front", 8000)
    (folder / "src" / "front" / "main.py").write_text(APPLICATION, encoding="utf-8")
    importable(folder / "src")
    (tmp_path / "README.md").write_text("<!-- services -->\n<!-- /services -->\n", encoding="utf-8")
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text(
        "# A template.\nARG BASE_IMAGE=b\nEXPOSE {port}\n", encoding="utf-8"
    )
    rules = '[tool.purser.import-rules]\n"kind:composition" = []\n'
    (tmp_path / "pyproject.toml").write_text(rules, encoding="utf-8")
    (tmp_path / "uv.lock").write_text("package = []\n", encoding="utf-8")
    stand_in("uv", "true")
    resolved = '{"locked_resolves": [{"locked_requirements": []}]}'
    stand_in("pex3", f"""while [ "$1" != --output ]; do shift; done; echo '{resolved}' > "$2" """)
    return tmp_path


def test_everything_generated_is_written_once_and_then_current(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = main(["--root", str(house), "sync", "--check"])
    told = capsys.readouterr().err
    main(["--root", str(house), "sync"])
    written = capsys.readouterr().out
    after = main(["--root", str(house), "sync", "--check"])
    main(["--root", str(house), "sync"])

    assert (before, after) == (1, 0)
    assert "services/catalogue.toml is stale: run `make sync`" in told
    assert "3rdparty/python/default.lock is missing: run `make lock`" in told
    assert "wrote services/front/openapi.json" in written
    assert capsys.readouterr() == ("", "")
    assert json.loads((house / "services/front/openapi.json").read_text())["info"] == {"title": "Ledger"}
    written = (house / "services/front/Dockerfile").read_text()
    assert written == "# Generated by `make sync` from docker/Dockerfile. Do not edit.\nARG BASE_IMAGE=b\nEXPOSE 8000\n"
    copied = house / "services/front/src/front/catalogue.toml"
    assert copied.read_text() == (house / "services/catalogue.toml").read_text()


def test_what_was_generated_for_what_is_gone_is_named_and_removed_and_nothing_else_is(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--root", str(house), "sync"])
    gone = {
        "docker/grafana/dashboards/gone.json": '{\n  "description": "Generated by `make sync` from elsewhere."\n}\n',
        "docker/kubernetes/base/gone.yaml": "# Generated by `make sync`. Do not edit.\n",
        "services/front/src/front/gone/BUILD": "# Generated by `make sync`. Do not edit.\n",
    }
    by_hand = {
        "docker/grafana/dashboards/own.json": "{}\n",
        "docker/kubernetes/base/own.yaml": "kind: Secret\n",
        "services/front/own/BUILD": "files()\n",
    }
    for name, text in {**gone, **by_hand}.items():
        (house / name).parent.mkdir(parents=True, exist_ok=True)
        (house / name).write_text(text, encoding="utf-8")
    capsys.readouterr()

    checked = main(["--root", str(house), "sync", "--check"])
    told = capsys.readouterr().err.splitlines()
    main(["--root", str(house), "sync"])
    done = capsys.readouterr().out.splitlines()

    assert checked == 1
    assert told == [f"{name} belongs to nothing that is there: run `make sync`, which removes it" for name in gone]
    assert done == [f"removed {name}" for name in gone]
    assert [name for name in gone if (house / name).exists()] == []
    assert {name: (house / name).read_text() for name in by_hand} == by_hand
    assert main(["--root", str(house), "sync", "--check"]) == 0


def test_the_lock_is_derived_and_checked_by_a_command_of_its_own(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = main(["--root", str(house), "lock", "--check"])
    written = main(["--root", str(house), "lock"])
    checked = main(["--root", str(house), "lock", "--check"])

    assert (stale, written, checked) == (1, 0, 0)
    assert capsys.readouterr().err == "3rdparty/python/default.lock is missing: run `make lock`\n"


# Stands for Pants: refuses what it is told to refuse, in its words.
REFUSES = """#!/bin/sh
for module in $(find . -name forbidden_import.py); do
  echo "DependencyRuleActionDeniedError: $(cat $module) {targets}" >&2; exit 1
done
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for case in CASES:
        sources = tmp_path / case.package / "src" / Path(case.package).name
        sources.mkdir(parents=True, exist_ok=True)
        (sources / "__init__.py").write_text("", encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def put_pants(root: Path, script: str) -> None:
    (root / "pants").write_text(script, encoding="utf-8")
    (root / "pants").chmod(0o755)


def test_forbidden_imports_that_are_refused_are_told_one_by_one(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_pants(checkout, REFUSES.replace("{targets}", " ".join(case.denied for case in CASES)))

    assert unrefused(checkout) == []
    assert capsys.readouterr().out.count("refused: ") == len(CASES)
    assert not list(checkout.rglob("forbidden_import.py"))


def test_a_forbidden_import_that_passes_is_a_failure(checkout: Path) -> None:
    put_pants(checkout, "#!/bin/sh\ntrue\n")

    found = unrefused(checkout)

    assert len(found) == len(CASES)
    assert found[0].startswith("libs/config: `import api_common` (config imports no other package) was not refused")


def test_a_checkout_that_is_refused_untouched_proves_nothing(checkout: Path) -> None:
    put_pants(checkout, "#!/bin/sh\necho broken >&2; exit 1\n")

    with pytest.raises(WorkspaceError, match=r"fails without any forbidden import:\nbroken"):
        unrefused(checkout)


SETTINGS = """
class Field:
    def __init__(self, default, description):
        self.default, self.description = default, description

    def get_default(self, call_default_factory):
        return self.default

class Shared:
    model_fields = {"port": Field(8000, "a port")}

class Settings(Shared):
    model_fields = Shared.model_fields | {
        "open": Field(True, "true or false"),
        "clients": Field(("a", "b"), "names"),
        "owners": Field({"ledger": "/v1/users|all"}, "pairs"),
        "limit": Field(None, None),
    }
"""


def test_the_operators_page_lists_what_services_read_beside_the_shared_settings(
    tmp_path: Path, service: Declare, importable: Callable[..., None]
) -> None:
    service("gate", 8001)
    folder = service("ledger", 8002)
    (folder / "src" / "ledger" / "settings.py").write_text(SETTINGS, encoding="utf-8")
    importable(folder / "src")
    assert settings_table.page(tmp_path, services(tmp_path)) is None
    (tmp_path / "docs").mkdir()
    page = tmp_path / settings_table.PAGE
    page.write_text("# Running\n<!-- settings -->\nold\n<!-- /settings -->\nend\n", encoding="utf-8")

    assert settings_table.page(tmp_path, services(tmp_path)) == (
        page,
        "# Running\n<!-- settings -->\n| variable | default | |\n|---|---|---|\n"
        "| `PURSER_LEDGER__OPEN` | `true` | true or false |\n"
        "| `PURSER_LEDGER__CLIENTS` | `a,b` | names |\n"
        "| `PURSER_LEDGER__OWNERS` | `ledger=/v1/users\\|all` | pairs |\n"
        "| `PURSER_LEDGER__LIMIT` |  |  |\n"
        "<!-- /settings -->\nend\n",
    )


def test_settings_that_cannot_be_read_and_a_page_without_marks_are_named(tmp_path: Path, service: Declare) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / settings_table.PAGE).write_text("# Running\n", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"docs/operations\.md: the marks <!-- settings -->"):
        settings_table.page(tmp_path, [])
    folder = service("no_such_settings", 8002)
    (folder / "src" / "no_such_settings" / "settings.py").write_text("", encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"The settings of no_such_settings cannot be read:(.|\n)*Modul"):
        settings_table.page(tmp_path, services(tmp_path))
