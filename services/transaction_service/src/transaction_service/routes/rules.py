"""/v1/rules."""

from __future__ import annotations

from uuid import UUID

from api_common import idempotency
from api_common.pagination import InvalidCursor, Links, Page, Paging
from api_common.preconditions import IfMatch, IfMatchMissing, Stale, etag
from api_common.problems import responses
from fastapi import APIRouter, Response

from transaction_service.errors import (
    AccountNotFound,
    CategoryNotFound,
    IdTaken,
    NothingInCommon,
    RuleNotFound,
    RuleTooCostly,
    RuleTooSlow,
    TooManyRules,
    TransactionNotFound,
)
from transaction_service.routes.access import Once, Reader, Reading, Writer, Writing
from transaction_service.schemas.rules import (
    PreviewWanted,
    RuleChange,
    RuleCreate,
    RuleOrder,
    RulesApplied,
    RuleSchema,
    RulesPreview,
    RuleSuggestion,
    SuggestionWanted,
)
from transaction_service.service.rules import Rules

router = APIRouter(prefix="/v1/rules", tags=["rules"])


@router.get("", responses=responses(InvalidCursor))
async def list_rules(user: Reader, session: Reading, page: Paging, links: Links) -> Page[RuleSchema]:
    """List the rules in the order in which they are tried."""
    return links.page(await Rules(session, user.user_id).list(page), lambda rule: rule)


@router.post(
    "",
    status_code=201,
    response_model=RuleSchema,
    responses=responses(AccountNotFound, CategoryNotFound, IdTaken, RuleTooCostly, TooManyRules, *idempotency.PROBLEMS),
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


@router.post("/order", responses=responses(RuleNotFound))
async def order_rules(wanted: RuleOrder, user: Writer, session: Writing) -> RuleOrder:
    """Put the rules into this order and answer with the order of all; rules that are not named follow."""
    return RuleOrder(ids=[rule.id for rule in await Rules(session, user.user_id).order(wanted)])


@router.post("/suggest", responses=responses(TransactionNotFound, NothingInCommon))
async def suggest_rule(wanted: SuggestionWanted, user: Reader, session: Reading) -> RuleSuggestion:
    """Suggest the rule that rows have in common, and say how many rows it would fit; nothing is written."""
    return await Rules(session, user.user_id).suggest(wanted)


@router.post("/preview", responses=responses(AccountNotFound, CategoryNotFound, RuleTooCostly, InvalidCursor))
async def preview_rules(
    user: Reader,
    session: Reading,
    page: Paging,
    links: Links,
    response: Response,
    wanted: PreviewWanted | None = None,
) -> RulesPreview:
    """Show what applying the rules would change in the whole history, with a rule that is only a draft if one is sent.

    Nothing is written. Further pages are asked for with the same body.
    """
    found = await Rules(session, user.user_id).preview(wanted.rule if wanted else None, page)
    if found.next_cursor is not None:
        response.headers["Link"] = links.next(found.next_cursor)
    return found


@router.post("/apply", responses=responses(RuleTooSlow, RuleTooCostly))
async def apply_rules(user: Writer, session: Writing) -> RulesApplied:
    """Give all rows what the rules say now, and take back what none says any more; what the user chose stays."""
    return await Rules(session, user.user_id).apply()


@router.get("/{rule_id}", responses=responses(RuleNotFound))
async def read_rule(rule_id: UUID, user: Reader, session: Reading, response: Response) -> RuleSchema:
    """Read one rule."""
    rule = await Rules(session, user.user_id).get(rule_id)
    response.headers["ETag"] = etag(rule.version)
    return rule


@router.patch(
    "/{rule_id}",
    responses=responses(RuleNotFound, AccountNotFound, CategoryNotFound, RuleTooCostly, Stale, IfMatchMissing),
)
async def change_rule(
    rule_id: UUID, changes: RuleChange, user: Writer, if_match: IfMatch, session: Writing, response: Response
) -> RuleSchema:
    """Change the given fields of a rule; rows wait for `POST /v1/rules/apply`."""
    rule = await Rules(session, user.user_id).change(rule_id, changes, if_match)
    response.headers["ETag"] = etag(rule.version)
    return rule


@router.delete("/{rule_id}", status_code=204, responses=responses(RuleNotFound, Stale, IfMatchMissing))
async def delete_rule(rule_id: UUID, user: Writer, if_match: IfMatch, session: Writing) -> None:
    """Delete a rule; rows keep what it gave them until the rules are applied."""
    await Rules(session, user.user_id).delete(rule_id, if_match)
