"""`python -m api_gateway.edge <folder>`: write Traefik's configuration for the services that the settings name."""

import argparse
import sys
from pathlib import Path

import yaml
from config import SettingsError, load

from api_gateway.catalogue import prefixes
from api_gateway.edge import Backend, EdgeSettings, MigrationError, dynamic, read_migration, static
from api_gateway.settings import Settings


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: people read these files."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def main() -> int:
    """Write `traefik.yaml` and `dynamic.yaml` into the folder; give the exit status."""
    options = _options()
    try:
        urls = {name: str(url).rstrip("/") for name, url in load(Settings).service_urls.items()}
        found = prefixes()
        backends = [Backend(name, (urls[name],), paths) for name, paths in found.items() if name in urls]
        if not backends:
            raise MigrationError("PURSER_SERVICE_URLS names no service: say where each listens, name=address,…")
        edge = EdgeSettings(
            listen=options.listen,
            inner=options.inner,
            tls_listen=options.tls_listen,
            certificate=options.certificate,
            key=options.key,
            trusted_proxies=tuple(options.trusted_proxy),
            access_log=not options.no_access_log,
        )
        migration = read_migration(options.migration, set(urls)) if options.migration else None
    except (SettingsError, MigrationError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (for the person at the terminal)
        return 2
    seen_at: Path = options.seen_at or options.folder.absolute()
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for path, content in (
            (options.folder / "traefik.yaml", static(edge, str(seen_at / "dynamic.yaml"))),
            (options.folder / "dynamic.yaml", dynamic(backends, edge, migration)),
        ):
            path.write_text(yaml.dump(content, Dumper=_Plain, sort_keys=False), encoding="utf-8")
    except OSError as error:
        told = f"{options.folder} cannot be written: {error.strerror}. Name another folder."
        print(told, file=sys.stderr)  # noqa: T201 (for the person at the terminal)
        return 2
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api_gateway.edge", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the two files are written")
    parser.add_argument("--seen-at", type=Path, help="where Traefik will find the folder, when not where it is written")
    parser.add_argument(
        "--listen", default=EdgeSettings.listen, help="address of the front door (default: %(default)s)"
    )
    parser.add_argument("--inner", default=EdgeSettings.inner, help="address for metrics and rewriting, never public")
    parser.add_argument("--tls-listen", help="address of HTTPS; plain requests are then sent there")
    parser.add_argument("--certificate", help="file of the certificate chain, for HTTPS")
    parser.add_argument("--key", help="file of its key")
    parser.add_argument(
        "--trusted-proxy",
        action="append",
        default=[],
        help="network of a proxy in front, whose X-Forwarded-For is true",
    )
    parser.add_argument("--migration", type=Path, help="file that says which routes a legacy application still has")
    parser.add_argument("--no-access-log", action="store_true", help="leave logging requests to the services")
    options = parser.parse_args()
    given = [option is not None for option in (options.tls_listen, options.certificate, options.key)]
    if any(given) and not all(given):
        # Traefik would answer without TLS, or with a certificate that it makes up.
        parser.error("--tls-listen, --certificate and --key belong together: give all three, or none")
    return options


if __name__ == "__main__":
    sys.exit(main())
