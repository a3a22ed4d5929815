"""/v1/rules."""

from __future__ import annotations

from uuid import UUID

from api_common import idempotency
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import responses
from fastapi import APIRouter, Response

from transaction_service.errors import CategoryNotFound, IdTaken, RuleNotFound, TooManyRules
from transaction_service.models import Rule
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.categories import RuleChange, RuleCreate, RuleList, RulesApplied, RuleSchema
from transaction_service.service.rules import Rules

router = APIRouter(prefix="/v1/rules", tags=["rules"])


def _schema(rule: Rule) -> RuleSchema:
    return RuleSchema.model_validate(rule, from_attributes=True)


@router.get("")
async def list_rules(user: Reader, session: Reading) -> RuleList:
    """List all rules in the order in which they are tried."""
    return RuleList(items=[_schema(rule) for rule in await Rules(session, user.user_id).list()])


@router.post(
    "",
    status_code=201,
    response_model=RuleSchema,
    responses=responses(CategoryNotFound, IdTaken, TooManyRules, *idempotency.PROBLEMS),
)
async def create_rule(wanted: RuleCreate, user: Writer, once: Once, session: Writing) -> Response:
    """Create a rule; rows that are there already wait for `POST /v1/rules/apply`."""
    return await once.once(
        user.user_id,
        status=201,
        model=RuleSchema,
        effect=lambda: Rules(session, user.user_id).create(wanted),
        headers=lambda rule: {"Location": f"/v1/rules/{rule.id}", "ETag": etag(rule.version)},
    )


@router.post("/apply")
async def apply_rules(user: Writer, session: Writing) -> RulesApplied:
    """Categorise all rows as the rules say now; what the user chose by hand stays."""
    return await Rules(session, user.user_id).apply()


@router.get("/{rule_id}", responses=responses(RuleNotFound))
async def read_rule(rule_id: UUID, user: Reader, session: Reading, response: Response) -> RuleSchema:
    """Read one rule."""
    rule = await Rules(session, user.user_id).get(rule_id)
    response.headers["ETag"] = etag(rule.version)
    return _schema(rule)


@router.patch("/{rule_id}", responses=responses(RuleNotFound, CategoryNotFound, Stale, IfMatchMissing))
async def change_rule(
    rule_id: UUID, changes: RuleChange, user: Writer, if_match: IfMatch, session: Writing, response: Response
) -> RuleSchema:
    """Change the given fields of a rule."""
    rule = await Rules(session, user.user_id).change(rule_id, changes, if_match)
    response.headers["ETag"] = etag(rule.version)
    return _schema(rule)


@router.delete("/{rule_id}", status_code=204, responses=responses(RuleNotFound, Stale, IfMatchMissing))
async def delete_rule(rule_id: UUID, user: Writer, if_match: IfMatch, session: Writing) -> None:
    """Delete a rule; rows keep their category until the rules are applied."""
    await Rules(session, user.user_id).delete(rule_id, if_match)
