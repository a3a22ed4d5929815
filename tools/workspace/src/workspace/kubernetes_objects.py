"""The objects of Kubernetes that one service has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

Object = dict[str, object]

STEP: Mapping[str, str] = MappingProxyType({"purser/step": "migrate"})
"""The label of what a migration needs: it is applied, and the migrations have ended, before the rest is."""
EDGE: Mapping[str, str] = MappingProxyType({"purser/edge": "allowed"})
"""The label of namespaces whose pods may send requests of users: that of the ingress controller."""
METRICS: Mapping[str, str] = MappingProxyType({"purser/metrics": "allowed"})
"""The label of namespaces whose pods may ask for metrics."""
USER = 65532
_SERVING = "service"
_MIGRATING = "migration"
_POSTGRES = 5432
_REDIS = 6379


@dataclass(frozen=True)
class Workload:
    """A service as its objects need it; `calls` are ports by the names of the services that it calls."""

    service: str
    version: str
    port: int
    prefixes: tuple[str, ...]
    memory: str
    scratch: str
    has_tables: bool
    calls: Mapping[str, int]
    called_by: tuple[str, ...]
    settings: str
    replicas: int
    stop_seconds: int

    @property
    def name(self) -> str:
        """Its name as a host."""
        return self.service.replace("_", "-")

    @property
    def image(self) -> str:
        """The image that `make images` builds, at this version."""
        return f"purser-{self.name}:{self.version}"

    def labels(self, component: str) -> dict[str, str]:
        """Give what is said of all its objects."""
        return {
            **self.selector(component),
            "app.kubernetes.io/part-of": "purser",
            "app.kubernetes.io/version": self.version,
        }

    def selector(self, component: str) -> dict[str, str]:
        """Give the labels by which its pods are found."""
        return {"app.kubernetes.io/name": self.name, "app.kubernetes.io/component": component}


def service_account(workload: Workload) -> Object:
    """An identity that is allowed nothing: no service speaks to Kubernetes."""
    metadata = _metadata(workload, workload.name, _SERVING, STEP)
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata,
        "automountServiceAccountToken": False,
    }


def deployment(workload: Workload) -> Object:
    """The replicas, on different nodes if it goes; one more than wanted while they are exchanged, never one less."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(workload, workload.name, _SERVING),
        "spec": {
            "replicas": workload.replicas,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": workload.selector(_SERVING)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": workload.labels(_SERVING)},
                "spec": {
                    **_pod(workload, _serving(workload)),
                    "terminationGracePeriodSeconds": workload.stop_seconds,
                    "topologySpreadConstraints": [
                        {
                            "maxSkew": 1,
                            "topologyKey": "kubernetes.io/hostname",
                            "whenUnsatisfiable": "ScheduleAnyway",
                            "labelSelector": {"matchLabels": workload.selector(_SERVING)},
                        }
                    ],
                },
            },
        },
    }


def migration(workload: Workload) -> Object:
    """The job that brings the tables to the newest revision; it ends at once where they are there."""
    command = ["/app/bin/python", "-m", "api_common.migrations", "upgrade", "--service", workload.service]
    # A job cannot be changed: each version has its own.
    name = f"{workload.name}-migrate-{workload.version.replace('.', '-').replace('+', '-')}"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(workload, name, _MIGRATING, STEP),
        "spec": {
            "backoffLimit": 3,
            "ttlSecondsAfterFinished": 3600,
            "template": {
                "metadata": {"labels": workload.labels(_MIGRATING)},
                "spec": {**_pod(workload, {**_container(workload), "command": command}), "restartPolicy": "Never"},
            },
        },
    }


def service(workload: Workload) -> Object:
    """The address under which the others know it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(workload, workload.name, _SERVING),
        "spec": {
            "selector": workload.selector(_SERVING),
            "ports": [{"name": "http", "port": workload.port, "targetPort": "http"}],
        },
    }


def disruption_budget(workload: Workload) -> Object:
    """Whoever empties nodes takes one replica at a time, and may take the only one."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(workload, workload.name, _SERVING),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": workload.selector(_SERVING)}},
    }


def network_policy(workload: Workload) -> Object:
    """Who may call it, and whom it may call, a migration included: what is not named is refused."""
    callers: list[Object] = [{"podSelector": {"matchLabels": _serving_pods(name)}} for name in workload.called_by]
    if workload.prefixes:
        callers.append({"namespaceSelector": {"matchLabels": dict(EDGE)}})
    callers.append({"namespaceSelector": {"matchLabels": dict(METRICS)}})
    peers: list[Object] = [
        {"to": [{"podSelector": {"matchLabels": _serving_pods(name)}}], "ports": [_port(port)]}
        for name, port in workload.calls.items()
    ]
    outside = [*([_POSTGRES] if workload.has_tables else []), _REDIS]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(workload, workload.name, _SERVING, STEP),
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": workload.name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": callers, "ports": [{"port": "http", "protocol": "TCP"}]}],
            "egress": [
                *peers,
                {"ports": [{"port": 53, "protocol": "UDP"}, _port(53)]},
                # Where the database and the counters of limits are is the operator's to narrow.
                {"ports": [_port(port) for port in outside]},
            ],
        },
    }


def ingress(workloads: Sequence[Workload]) -> Object:
    """The front door: each path to the service that has it, as it is; metrics and probes stay inside."""
    paths = [
        {
            "path": prefix,
            "pathType": "Prefix",
            "backend": {"service": {"name": workload.name, "port": {"name": "http"}}},
        }
        for workload in workloads
        for prefix in workload.prefixes
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "purser", "labels": {"app.kubernetes.io/part-of": "purser"}},
        "spec": {"rules": [{"http": {"paths": paths}}]},
    }


def _pod(workload: Workload, container: Object) -> Object:
    return {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        # Kubernetes would tell each pod of every Service in variables of its own, some named like settings.
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "secrets", "secret": {"secretName": workload.name, "defaultMode": 0o440}},
            {"name": "uploads", "emptyDir": {"sizeLimit": workload.scratch}},
            {"name": "data", "emptyDir": {"sizeLimit": "64Mi"}},
        ],
    }


def _serving(workload: Workload) -> Object:
    return {
        **_container(workload),
        "ports": [{"name": "http", "containerPort": workload.port}],
        # Two minutes to start; only then do the other two begin. Readiness asks the database, liveness nothing.
        "startupProbe": {**_probe("/livez"), "periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": {**_probe("/livez"), "periodSeconds": 10, "failureThreshold": 3},
        "readinessProbe": {**_probe("/readyz"), "periodSeconds": 5, "failureThreshold": 2},
    }


def _container(workload: Workload) -> Object:
    return {
        "name": workload.name,
        "image": workload.image,
        "envFrom": [{"configMapRef": {"name": workload.settings}}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"cpu": "2", "memory": workload.memory},
        },
        "volumeMounts": [
            {"name": "secrets", "mountPath": "/run/secrets/purser", "readOnly": True},
            # Uploads wait here while they are read.
            {"name": "uploads", "mountPath": "/tmp"},  # noqa: S108 (of the container)
            {"name": "data", "mountPath": "/data"},
        ],
    }


def _probe(path: str) -> Object:
    return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 4}


def _metadata(workload: Workload, name: str, component: str, *further: Mapping[str, str]) -> Object:
    labels = workload.labels(component)
    for more in further:
        labels.update(more)
    return {"name": name, "labels": labels}


def _serving_pods(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": _SERVING}


def _port(number: int) -> Object:
    return {"port": number, "protocol": "TCP"}
