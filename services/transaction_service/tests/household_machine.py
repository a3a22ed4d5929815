"""Histories that Hypothesis invents, each lived by a user of its own of one running service."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import uuid4

import httpx2
from api_common.testing import Issuer, client_for
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


class HouseholdMachine(RuleBasedStateMachine):
    """A user who asks the service, and expects it to answer; `tied_to` ties it to a service."""

    client: httpx2.AsyncClient
    wait_for: Callable[[Any], Any]
    issuer: Issuer

    def __init__(self) -> None:
        super().__init__()
        self.headers = self.issuer.headers(uuid4())

    def request(self, method: str, path: str, **options: Any) -> Any:
        options["headers"] = {**self.headers, **options.get("headers", {})}
        answer = self.wait_for(self.client.request(method, path, **options))
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


Machine = TypeVar("Machine", bound=HouseholdMachine)
Tie = Callable[[type[Machine]], type[Machine]]


@contextmanager
def tied_to(app: FastAPI, issuer: Issuer) -> Iterator[Tie[Any]]:
    """Start the service, and give what ties a machine to it."""
    with asyncio.Runner() as runner:
        context = client_for(app)
        client = runner.run(context.__aenter__())

        def tied(kind: type[Machine]) -> type[Machine]:
            return type(
                kind.__name__, (kind,), {"client": client, "wait_for": staticmethod(runner.run), "issuer": issuer}
            )

        yield tied
        runner.run(context.__aexit__(None, None, None))


def live(machine: type[HouseholdMachine], *, examples: int) -> None:
    """Run so many histories, the same ones each time."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )
