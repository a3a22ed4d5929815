"""The commands behind the Makefile: `python -m workspace <command>`."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from workspace import (
    affected,
    affected_report,
    affected_runs,
    anatomy,
    apart,
    api_gate,
    boundaries,
    checks,
    compatibility,
    compose_secrets,
    corpus,
    corpus_client,
    engine,
    generated,
    generator_trial,
    generators,
    graph,
    images,
    isolation,
    lock,
    member_lists,
    members,
    package_updates,
    processes,
    release,
    release_plan,
    reports,
    smoke,
    supply,
    wheels,
)
from workspace.errors import NotPossibleHereError, WorkspaceError

Command = Callable[[argparse.Namespace], int]
Add = Callable[[str, Command, str], argparse.ArgumentParser]

NOT_POSSIBLE_HERE = 77
"""The exit status of a command that this machine cannot run, as test harnesses have it for "skipped"."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit status: 0, or 1 or 77 (not possible here), then with why on standard error."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except NotPossibleHereError as error:
        print(error, file=sys.stderr)
        return NOT_POSSIBLE_HERE
    except WorkspaceError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workspace", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="root of the repository (default: this folder)")
    commands = parser.add_subparsers(required=True)

    def add(name: str, command: Command, purpose: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=purpose, description=purpose)
        added.set_defaults(command=command)
        return added

    _add_checks(add)
    _add_deliveries(add)
    _add_generators(add)
    run = add("run", _run, "run services apart")
    run.add_argument("service", nargs="?", help="one service alone, with reload")
    return parser


def _add_checks(add: Add) -> None:
    """Add what keeps files in step, and looks at packages and changes."""
    add("sync", _sync, "write generated files").add_argument("--check", action="store_true", help="only look")
    add("lists", _lists, "keep the lists of packages inside pyproject.toml files")
    add("lock", _lock, "derive the lock of Pants").add_argument("--check", action="store_true", help="only look")
    for name, command, purpose in (
        ("coverage", _coverage, "print each package's coverage"),
        ("type-check", _types, "check types"),
        ("declared", _declared, "compare imports with declared dependencies"),
        ("anatomy", _anatomy, "compare packages with their templates"),
        ("bench", _bench, "run benchmarks"),
    ):
        add(name, command, purpose).add_argument("packages", nargs="*", help="folders or names; all without")
    changed = add("affected", _affected, "what the changes since a commit can break")
    changed.add_argument("--json", action="store_true")
    why = add("why", _why, "by which chain a change reaches a target")
    why.add_argument("target", help="a package, a file or an address of Pants")
    why.add_argument("--json", action="store_true")
    run_affected = add("run-affected", _run_affected, "run a goal on what is affected only")
    run_affected.add_argument("goal", choices=["test", "package", "lint"])
    for reads_changes in (changed, why, run_affected):
        reads_changes.add_argument("--base", default="main", help="a branch, tag or commit (default: main)")
    draw = add("graph", _graph, "draw the packages and what connects them")
    draw.add_argument("--format", choices=["html", "json", "text"], default="html")
    draw.add_argument("--output", type=Path, help="a file; standard output without")
    add("boundaries", _boundaries, "see forbidden imports refused, and each package imported alone")
    add("count", _count, "count the tests that Pants reported")


def _add_deliveries(add: Add) -> None:
    """Add what releases, builds and tries what is built."""
    add("api", _api, "compare public faces with the last releases")
    add("release", _release, "plan the next release").add_argument(
        "--apply", action="store_true", help="carry the plan out: versions, changelogs, one commit, tags"
    )
    add("wheels", _wheels, "build every wheel, and see all of them work outside the workspace")
    lowest = add("lowest", _lowest, "test packages with the lowest versions that they declare")
    lowest.add_argument("packages", nargs="*", help="folders or names; all libraries without")
    consumers = add("consumers", _consumers, "test the last released services on the libraries as they are")
    consumers.add_argument("packages", nargs="*", help="services, by folder or name; all without")
    add("sbom", _sbom, "write a bill of materials for each service")
    add("audit", _audit, "ask for known vulnerabilities of what is locked")
    add("engine", _engine, "see to it that images can be built and run here")
    build = add("images", _images, "build the images of services")
    build.add_argument("services", nargs="*", help="names; all without")
    add("compose-secrets", _compose_secrets, "make the secrets of the compose file that are missing").add_argument(
        "--folder", type=Path, help="where they are kept (default: what docker/.env says, else docker/secrets)"
    )
    add("smoke", _smoke, "start every built PEX")
    corpus_of = add("corpus", _corpus, "import statement files by the public API and compare what comes of them")
    corpus_of.add_argument("folder", type=Path, help="a folder of statement files, perhaps with an expected.csv")
    corpus_of.add_argument("--url", help="address of a running Purser; one of its own without")


def _add_generators(add: Add) -> None:
    """Add what makes packages from templates, and keeps them in step with these."""
    service = add("new-service", _new_service, "make a service from its template")
    library = add("new-lib", _new_library, "make a library from its template")
    for new in (service, library):
        new.add_argument("name", help="the name that code imports")
        new.add_argument("--description", default="", help="what it does, in one line")
        new.add_argument("--owner", default=generators.OWNER, help="who looks after it (default: %(default)s)")
    service.add_argument("--port", required=True, help="where it listens when it runs apart")
    service.add_argument("--resource", default="", help="what it keeps, in the singular; from its name without")
    service.add_argument("--no-tables", action="store_true", help="it keeps no data of its own")
    add("try-generators", _try_generators, "make packages in a copy of the repository, and see them pass the gates")
    add("update-package", _update_package, "merge what has changed in its template").add_argument("package")


def _verdict(messages: Sequence[str]) -> int:
    for message in messages:
        print(message, file=sys.stderr)
    return 1 if messages else 0


def _sync(options: argparse.Namespace) -> int:
    root: Path = options.root
    if options.check:
        return _verdict(generated.stale(root))
    for line in generated.sync(root):
        print(line)
    return 0


def _lists(options: argparse.Namespace) -> int:
    return _wrote(member_lists.keep(options.root))


def _lock(options: argparse.Namespace) -> int:
    root: Path = options.root
    if options.check:
        return _verdict([f"{problem}: run `make lock`" for problem in lock.problems(root)])
    pins = generated.Generated(lock.pins_file(root), lock.pins(root))
    if pins.is_stale():
        pins.write()
    if lock.problems(root):
        lock.write(root)
    return _verdict(lock.problems(root))


def _coverage(options: argparse.Namespace) -> int:
    return _verdict(checks.coverage(members.chosen(options.root, options.packages)))


def _types(options: argparse.Namespace) -> int:
    across = () if options.packages else (options.root / "tests", options.root / "docker" / "tests")
    return _verdict(checks.types(members.chosen(options.root, options.packages), across))


def _declared(options: argparse.Namespace) -> int:
    return _verdict(checks.declared(members.chosen(options.root, options.packages), members.members(options.root)))


def _anatomy(options: argparse.Namespace) -> int:
    return _verdict(anatomy.deviations(options.root, members.chosen(options.root, options.packages)))


def _bench(options: argparse.Namespace) -> int:
    return _verdict(checks.benchmarks(members.chosen(options.root, options.packages)))


def _affected(options: argparse.Namespace) -> int:
    found = affected.affected(options.root, options.base)
    print(affected_report.as_json(found) if options.json else affected_report.as_text(found))
    return 0


def _why(options: argparse.Namespace) -> int:
    found = affected.affected(options.root, options.base)
    chains = [chain for node in affected.nodes_of(found, options.root, options.target) if (chain := found.chain(node))]
    if not chains:
        raise WorkspaceError(f"No change since {options.base} affects {options.target}.")
    shortest = min(chains, key=len)
    print(affected_report.chain_as_json(shortest) if options.json else affected_report.chain_as_text(shortest))
    return 0


def _run_affected(options: argparse.Namespace) -> int:
    root: Path = options.root
    found = affected.affected(root, options.base)
    if options.goal == "lint":
        return _verdict(affected_runs.lint(root, found))
    return affected_runs.run_goal(root, options.goal, found)


def _graph(options: argparse.Namespace) -> int:
    written = {"html": graph.as_page, "json": graph.as_json, "text": graph.as_text}[options.format]
    text = written(graph.graph(options.root))
    if options.output is None:
        print(text)
        return 0
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(f"wrote {options.output}")
    return 0


def _api(options: argparse.Namespace) -> int:
    packages = members.members(options.root)
    judgements = api_gate.judged(options.root, packages)
    for judgement in judgements:
        print(f"{judgement.package.path} since {judgement.released.tag}: {len(judgement.changes)} changes")
    if not judgements:
        print("No package was released yet; there is nothing to compare with.")
    return _verdict([problem for judgement in judgements for problem in judgement.problems()])


def _release(options: argparse.Namespace) -> int:
    root: Path = options.root
    plan = release_plan.release_plan(root)
    print(release_plan.as_table(plan))
    if not plan or not options.apply:
        return 0
    today = datetime.now(tz=UTC).date()
    for tag in release.carry_out(root, plan, today=today, derive=lambda: _derive(root)):
        print(f"tagged {tag}")
    return 0


def _derive(root: Path) -> None:
    """Write what follows from versions and ranges: the lock of uv, then every generated file."""
    lock.lock_workspace(root)
    generated.sync(root)


def _wheels(options: argparse.Namespace) -> int:
    for wheel in wheels.build(options.root):
        print(f"built {wheel.name}", flush=True)
    return _verdict(wheels.problems(options.root))


def _lowest(options: argparse.Namespace) -> int:
    packages = members.chosen(options.root, options.packages)
    if not options.packages:
        packages = [package for package in packages if package.path.startswith("libs/")]
    return _verdict(compatibility.failing_at_lowest(options.root, packages))


def _consumers(options: argparse.Namespace) -> int:
    packages = members.chosen(options.root, options.packages)
    return _verdict(compatibility.failing_consumers(options.root, packages))


def _sbom(options: argparse.Namespace) -> int:
    for path in supply.write_bills(options.root):
        print(f"wrote {path.relative_to(options.root)}")
    return 0


def _audit(options: argparse.Namespace) -> int:
    return supply.audit(options.root)


def _boundaries(options: argparse.Namespace) -> int:
    root: Path = options.root
    return _verdict([*boundaries.unrefused(root), *isolation.unimportable(root, members.members(root))])


def _engine(options: argparse.Namespace) -> int:
    found = engine.engine(options.root, _say)
    print(f"{found.name} builds and runs images here")
    return 0


def _images(options: argparse.Namespace) -> int:
    root: Path = options.root
    chosen = members.chosen(root, options.services) if options.services else members.services(root)
    for package in chosen:
        if package.service is None:
            raise WorkspaceError(f"{package.path} is no service and has no image; leave SERVICE out for all of them")
    images.build(root, engine.engine(root, _say), chosen)
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _compose_secrets(options: argparse.Namespace) -> int:
    root: Path = options.root
    folder = compose_secrets.folder_of(root / "docker" / ".env", options.folder)
    written = compose_secrets.write_secrets(folder, members.apart(members.services(root)))
    print(f"{folder}: {len(written)} secrets made; keep a copy where only you reach it")
    return 0


def _smoke(options: argparse.Namespace) -> int:
    return _verdict(smoke.unhealthy(members.services(options.root)))


def _corpus(options: argparse.Namespace) -> int:
    with contextlib.nullcontext(options.url) if options.url else corpus_client.embedded() as url:
        results = corpus.run(options.folder, corpus_client.Ledger(url))
    print("", *corpus.explanations(results), corpus.summary(results), sep="\n")
    return 1 if any(result.problems for result in results) else 0


def _count(options: argparse.Namespace) -> int:
    counted = reports.counts(options.root / "dist" / "test" / "reports")
    print(counted.passed, counted.failed, counted.skipped)
    return 0


def _new_service(options: argparse.Namespace) -> int:
    described = {"description": options.description, "owner": options.owner}
    given = {"resource": options.resource, "tables": not options.no_tables}
    return _wrote(generators.new_service(options.root, options.name, options.port, **given, **described))


def _new_library(options: argparse.Namespace) -> int:
    return _wrote(
        generators.new_library(options.root, options.name, description=options.description, owner=options.owner)
    )


def _wrote(paths: Sequence[str]) -> int:
    for path in paths:
        print(f"wrote {path}")
    return 0


def _try_generators(options: argparse.Namespace) -> int:
    return _verdict(generator_trial.failing(options.root))


def _update_package(options: argparse.Namespace) -> int:
    updated = package_updates.update(options.root, members.chosen(options.root, [options.package])[0])
    for path in updated.changed:
        print(f"changed {path}")
    if not updated.changed:
        print(f"{options.package} is as its template wants it.")
    return _verdict([f"{path}: both sides changed a line; choose between the marks" for path in updated.conflicts])


def _run(options: argparse.Namespace) -> int:
    if options.service is None:
        return apart.run(options.root)
    services = members.services(options.root)
    named = {service.name: service for service in services}
    if options.service not in named:
        raise WorkspaceError(f'No service is called "{options.service}". There are: {", ".join(named)}')
    return processes.run_one(named[options.service], members.apart(services))
