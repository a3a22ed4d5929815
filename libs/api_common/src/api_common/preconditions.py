"""ETag and If-Match: a client changes only what it has seen.

    @router.patch("/v1/accounts/{account_id}", responses=responses(PreconditionRequired, PreconditionFailed))
    async def change(account_id: UUID, body: AccountChange, if_match: IfMatch, response: Response, ...) -> AccountOut:
        account = await accounts.get(account_id)
        if_match.check(account.version)
        ...
        response.headers["ETag"] = etag(account.version)

A route that takes `IfMatch` answers 428 to a request without the header, and `check` 412 to a stale one. Between the
check and the commit the row's own version guards it (`api_common.columns.Versioned`).
"""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from api_common.problems import BadRequest, PreconditionFailed, PreconditionRequired

_ENTITY_TAG = re.compile(r'\s*(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


class IfMatchMissing(PreconditionRequired):
    """A change without If-Match."""

    code = "if_match_required"
    title = "If-Match is required"


class IfMatchMalformed(BadRequest):
    """An If-Match header that is no list of entity tags."""

    code = "if_match_malformed"
    title = "If-Match is malformed"


class Stale(PreconditionFailed):
    """The client has seen an older version."""

    code = "stale_version"
    title = "Changed in the meantime"


def etag(version: int | str) -> str:
    """Give the strong entity tag of a version, `"7"`."""
    return f'"{version}"'


@dataclass(frozen=True)
class Precondition:
    """The entity tags that a client accepts; `any_version` for `If-Match: *`."""

    tags: frozenset[str]
    any_version: bool = False

    def check(self, version: int | str) -> None:
        """Raise Stale (412) when the resource has a version that the client has not seen."""
        if not self.any_version and str(version) not in self.tags:
            raise Stale(
                f"The resource has version {version}, not the one in If-Match. Read it again and repeat the change.",
                headers={"ETag": etag(version)},
            )


def parse_if_match(header: str) -> Precondition:
    """Read an If-Match header; weak tags never match (RFC 9110, 13.1.1). Raises IfMatchMalformed."""
    if header.strip() == "*":
        return Precondition(frozenset(), any_version=True)
    tags, position = set(), 0
    while position < len(header):
        found = _ENTITY_TAG.match(header, position)
        if found is None:
            raise IfMatchMalformed(f'If-Match: {header[:100]} is not a list of entity tags such as "7".')
        if not found["weak"]:
            tags.add(found["opaque"])
        position = found.end()
    return Precondition(frozenset(tags))


async def _required_if_match(if_match: Annotated[str | None, Header()] = None) -> Precondition:
    if not if_match:
        raise IfMatchMissing('Send the ETag of the version that you want to change, such as If-Match: "7".')
    return parse_if_match(if_match)


IfMatch = Annotated[Precondition, Depends(_required_if_match)]
"""The route parameter: a required If-Match header."""
