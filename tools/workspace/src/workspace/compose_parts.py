"""What the containers of the compose file have in common: names, secrets and hardening."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workspace.catalogue import declarations
from workspace.errors import WorkspaceError
from workspace.members import Member

NAME = "purser"
EDGE_NETWORK = "edge"
SERVICES_NETWORK = "services"
DATABASE_NETWORK = "database"
CACHE_NETWORK = "cache"
MONITORING_NETWORK = "monitoring"
OPERATORS_NETWORK = "operators"
SUBNET = "${SUBNET:-172.31.240.0/24}"
SECRETS = "${SECRETS:?make the secrets first, by `make compose-secrets`}"

_VARIABLE = re.compile(r"\$\{([A-Z_]+):(-|\?)([^}]*)\}")

Body = dict[str, object]


@dataclass(frozen=True)
class Part:
    """One container of the file: its name, what it is, and how it runs."""

    name: str
    what: str
    body: Body


@dataclass(frozen=True)
class ServicePart:
    """What a service's own containers share: the one that serves and the one that migrates."""

    image: str
    port: int
    memory: str
    environment: Mapping[str, str]
    secrets: tuple[str, ...]
    mounts: tuple[Mapping[str, str], ...]


def part_of(service: Member) -> ServicePart:
    """Give what the containers of a service share."""
    [(_, declared)] = declarations([service])
    named = {"secret_key": "PURSER_SECRET_KEY"}
    if service.has_tables:
        named["database_url"] = "PURSER_DATABASE_URL"
    return ServicePart(
        image=f"${{REGISTRY:-}}purser-{service.host}:${{TAG:-latest}}",
        port=declared.port,
        memory=declared.memory.removesuffix("i").lower(),
        environment={"PURSER_PROFILE": "production", "PURSER_SECRETS_DIR": "/run/secrets"},
        secrets=tuple(f"{service.name}_{name}" for name in named),
        mounts=tuple(secret(f"{service.name}_{name}", variable) for name, variable in named.items()),
    )


def secret(source: str, target: str) -> dict[str, str]:
    """Give a secret under the name by which its container looks for it."""
    return {"source": source, "target": target}


def migration_of(service: Member) -> Part:
    """Give the container that brings a service's tables to the newest revision, and ends."""
    declared = part_of(service)
    body = container(
        image=declared.image,
        entrypoint=["/app/bin/python", "-m", "api_common.migrations", "upgrade", "--service", service.name],
        environment=declared.environment,
        secrets=declared.mounts,
        networks=[DATABASE_NETWORK],
        after={"roles": "service_completed_successfully"},
        memory="512m",
        restart="on-failure:5",
    )
    return Part(f"migrate-{service.host}", f"Brings the tables of {service.name} up to date, then ends.", body)


def container(
    *,
    image: str,
    memory: str,
    networks: Sequence[str],
    after: Mapping[str, str] | None = None,
    healthy_when: Sequence[str] = (),
    tmpfs: Sequence[str] = ("/tmp",),  # noqa: S108 (of the container)
    restart: str = "unless-stopped",
    **own: object,
) -> Body:
    """Give a container that may do nothing but its work: no rights of root, no new ones, nothing to write but its own.

    `after` names those that come first and what of them is awaited, `own` is whatever else compose knows.
    """
    body: Body = {"image": image, **own, "networks": list(networks), "restart": restart}
    if after:
        body["depends_on"] = {name: {"condition": condition} for name, condition in after.items()}
    if healthy_when:
        times = {"interval": "10s", "timeout": "5s", "retries": 5, "start_period": "60s"}
        body["healthcheck"] = {"test": list(healthy_when), **times}
    return body | {
        "read_only": True,
        "tmpfs": list(tmpfs),
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "deploy": {"resources": {"limits": {"cpus": "1.0", "memory": memory, "pids": 512}}},
    }


def filled(text: str, variables: Mapping[str, str]) -> str:
    """Give a compose file with its variables filled in, as compose does it.

    Raises WorkspaceError with the file's own message where a variable is missing that it cannot do without.
    """

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if kind == "?" and not variables.get(name):
            raise WorkspaceError(f"{name}: {rest}")
        return variables.get(name) or rest

    return _VARIABLE.sub(value, text).replace("$$", "$")
