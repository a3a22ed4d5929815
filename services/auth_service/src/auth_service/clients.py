"""What auth_service asks of other services: that the owners of a user's data delete it."""

from collections.abc import Callable, Mapping

from api_common.clients import PeerUnavailable, ServiceClient
from pydantic import BaseModel, ValidationError

from auth_service.problems import DataOwnerUnavailable


class DeletedData(BaseModel):
    """The part of a data owner's answer that is read: how many of what were deleted."""

    deleted: dict[str, int]


class DataOwners:
    """The services that hold data of users: ``paths`` gives for each the path at which it deletes it."""

    def __init__(self, client: Callable[[str], ServiceClient], paths: Mapping[str, str]) -> None:
        self._client = client
        self._paths = paths

    async def check(self) -> None:
        """Make sure that all of them answer, before the first is asked to delete. Raises DataOwnerUnavailable."""
        for name in self._paths:
            try:
                response = await self._client(name).get("/livez")
            except PeerUnavailable as error:
                raise _unavailable(name, error.detail) from error
            if not response.is_success:
                raise _unavailable(name, f"it answered {response.status_code}.")

    async def delete(self, user_id: str, *, token: str) -> dict[str, dict[str, int]]:
        """Have each delete the data of a user; give what was deleted, by service.

        Raises DataOwnerUnavailable at the first that fails. The ones before it have deleted by then; all of it can be
        asked for again.
        """
        report: dict[str, dict[str, int]] = {}
        for name, template in self._paths.items():
            path = template.replace("{user_id}", user_id)
            try:
                response = await self._client(name).request("DELETE", path, token=token)
            except PeerUnavailable as error:
                raise _unavailable(name, error.detail, report) from error
            if not response.is_success:
                raise _unavailable(name, f"it answered {response.status_code} to DELETE {path}.", report)
            try:
                report[name] = DeletedData.model_validate_json(response.content).deleted
            except ValidationError as error:
                raise _unavailable(name, f"its answer to DELETE {path} names no numbers.", report) from error
        return report


def _unavailable(name: str, reason: str, report: Mapping[str, Mapping[str, int]] | None = None) -> DataOwnerUnavailable:
    done = f" Data of {', '.join(report)} is deleted already." if report else " Nothing was deleted."
    return DataOwnerUnavailable(
        f"{name} holds data of this user and cannot delete it: {reason}{done} The account is still there; ask again.",
        headers={"Retry-After": "10"},
        service=name,
        deleted=report or {},
    )
