"""Rules as clients send and read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from api_common.fields import Day
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from transaction_service.amounts import Amount, ExactAmount
from transaction_service.models import ChosenBy, Rule
from transaction_service.rows.state import RowState
from transaction_service.rules.language import (
    AmountOperator,
    DateOperator,
    Match,
    MoneyDirection,
    RuleField,
    TextOperator,
)
from transaction_service.rules.suggestion import Suggestion
from transaction_service.rules.text_patterns import text_pattern
from transaction_service.schemas.fields import Change, Currency, Line, Storable
from transaction_service.schemas.transactions import TagNames
from transaction_service.search.text import folded

MOST_CONDITIONS = 20
_STORED = {"stored": True}
"""The context in which conditions are read that were checked when they were saved."""

RuleName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), Storable]
RuleNote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000), Storable]
Position = Annotated[int, Field(ge=0, le=1_000_000)]


class _Condition(BaseModel):
    """What all conditions share. `negated` turns a condition into its opposite."""

    model_config = ConfigDict(extra="forbid")

    negated: bool = False


class _Range(_Condition):
    """A condition that may be `between` two values, `value` and `to`, both included."""

    @model_validator(mode="after")
    def _has_its_ends(self) -> Self:
        operator, value, upper = (
            getattr(self, "operator", None),
            getattr(self, "value", None),
            getattr(self, "to", None),
        )
        if (operator == "between") != (upper is not None):
            raise ValueError("`to` is the upper end of `between`: it needs one, and no other operator takes one")
        if upper is not None and upper < value:
            raise ValueError(f"between {value} and {upper} lies nothing: swap the two")
        return self


class TextCondition(_Condition):
    """A condition on a text, without regard to case, width and spacing.

    `text` is all texts of the row at once: counterparty, description, reference, merchant, note and tags. A condition
    on `tag` holds when it does for any tag. `matches` looks for a regular expression of RE2 anywhere in the text.
    """

    field: Literal[
        RuleField.TEXT,
        RuleField.DESCRIPTION,
        RuleField.COUNTERPARTY,
        RuleField.COUNTERPARTY_ACCOUNT,
        RuleField.REFERENCE,
        RuleField.MERCHANT,
        RuleField.NOTE,
        RuleField.BANK_CATEGORY,
        RuleField.TAG,
    ]
    operator: TextOperator
    value: Annotated[str, StringConstraints(min_length=1, max_length=200), Storable] = Field(examples=["rewe"])

    @field_validator("value")
    @classmethod
    def _can_be_looked_for(cls, value: str, info: ValidationInfo) -> str:
        if info.context == _STORED:
            return value
        if info.data.get("operator") == TextOperator.MATCHES:
            text_pattern(value)
        elif not folded(value):
            raise ValueError("a text of spaces alone is in every row")
        return value


class AccountCondition(_Condition):
    """The row belongs to this account."""

    field: Literal[RuleField.ACCOUNT]
    operator: Literal["equals"] = "equals"
    value: UUID


class CurrencyCondition(_Condition):
    """The row's account is kept in this currency."""

    field: Literal[RuleField.CURRENCY]
    operator: Literal["equals"] = "equals"
    value: Currency


class DirectionCondition(_Condition):
    """Money comes in or goes out; an amount of zero does neither."""

    field: Literal[RuleField.DIRECTION]
    operator: Literal["equals"] = "equals"
    value: MoneyDirection


class AmountCondition(_Range):
    """A condition on the signed amount, money out being negative, or on its size (`absolute_amount`)."""

    field: Literal[RuleField.AMOUNT, RuleField.ABSOLUTE_AMOUNT]
    operator: AmountOperator
    value: Amount
    to: Amount | None = None


class DateCondition(_Range):
    """A condition on the booking date."""

    field: Literal[RuleField.BOOKING_DATE]
    operator: DateOperator
    value: Day
    to: Day | None = None


class DayCondition(_Range):
    """A condition on the day of the month on which the row was booked."""

    field: Literal[RuleField.DAY]
    operator: AmountOperator
    value: Annotated[int, Field(ge=1, le=31)]
    to: Annotated[int, Field(ge=1, le=31)] | None = None


AnyCondition = (
    TextCondition
    | AccountCondition
    | CurrencyCondition
    | DirectionCondition
    | AmountCondition
    | DateCondition
    | DayCondition
)

_KINDS: Mapping[RuleField, type[AnyCondition]] = {
    field: kind for kind in get_args(AnyCondition) for field in get_args(kind.model_fields["field"].annotation)
}


class _Kind(BaseModel):
    field: RuleField


def _of_its_kind(value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> AnyCondition:
    """Read a condition by its field, so that the place of an error is the client's own: `/conditions/2/value`."""
    return _KINDS[_Kind.model_validate(value).field].model_validate(value, context=info.context)


Condition = Annotated[Annotated[AnyCondition, Field(discriminator="field")], WrapValidator(_of_its_kind)]
Conditions = Annotated[list[Condition], Field(min_length=1, max_length=MOST_CONDITIONS)]


class RuleActions(BaseModel):
    """What a rule gives to the rows that it fits; at least one thing."""

    model_config = ConfigDict(extra="forbid")

    category_id: UUID | None = None
    tags: TagNames = Field(default_factory=list)
    merchant: Line | None = None
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000), Storable] | None = (
        None
    )
    transfer: bool = Field(default=False, description="Mark the row as a transfer between accounts of one's own.")

    @model_validator(mode="after")
    def _gives_something(self) -> Self:
        if not (self.category_id or self.tags or self.merchant or self.note or self.transfer):
            raise ValueError("a rule gives at least one of category_id, tags, merchant, note and transfer")
        return self

    def stored(self) -> dict[str, object]:
        """All but the category, which has a column of its own."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"category_id"})


class RuleCreate(BaseModel):
    """A rule. Without a position it is the last to be tried."""

    model_config = ConfigDict(extra="forbid")

    id: UUID | None = None
    name: RuleName = ""
    enabled: bool = True
    position: Position | None = None
    match: Match = Field(default=Match.ALL, description="Whether all conditions must hold, or any one.")
    conditions: Conditions
    actions: RuleActions


class RuleChange(Change):
    """The fields to change; conditions and actions are replaced as a whole."""

    name: RuleName | None = None
    enabled: bool | None = None
    position: Position | None = None
    match: Match | None = None
    conditions: Conditions | None = None
    actions: RuleActions | None = None


class RuleSchema(BaseModel):
    """One rule; rules are tried in the order of their positions."""

    id: UUID
    name: str
    enabled: bool
    position: int
    match: Match
    conditions: list[Condition]
    actions: RuleActions
    broken: str | None = Field(
        default=None,
        description="Why the rule cannot be enabled: it names an account that was deleted. Null for other rules.",
    )
    version: int


class RuleOrder(BaseModel):
    """Rules in the order in which they are tried from then on. Rules that are not named follow, in their old order."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)]

    @field_validator("ids")
    @classmethod
    def _once_each(cls, ids: list[UUID]) -> list[UUID]:
        if len(set(ids)) < len(ids):
            raise ValueError("a rule stands in the order once")
        return ids


class SuggestionWanted(BaseModel):
    """Rows for which there should be a rule."""

    model_config = ConfigDict(extra="forbid")

    transaction_ids: Annotated[list[UUID], Field(min_length=1, max_length=200)]


class RuleSuggestion(BaseModel):
    """A rule that fits the rows, and `rows`, how many of the whole history it fits.

    `category_id` is the one that the user gave to all of them, null where there is none.
    """

    conditions: list[Condition]
    category_id: UUID | None
    rows: int


class RulesApplied(BaseModel):
    """How many rows a rule fits, how many changed, and how many lost their category as no rule gives one any more."""

    matched: int
    changed: int
    cleared: int


class PreviewWanted(BaseModel):
    """A rule to try. With the id of one that is kept it stands in that rule's place, else it comes on top."""

    model_config = ConfigDict(extra="forbid")

    rule: RuleCreate | None = None


class RuledFields(BaseModel):
    """What rules may change of a row."""

    category_id: UUID | None
    categorised_by: ChosenBy
    rule_id: UUID | None
    merchant: str | None
    tags: list[str]
    note: str | None
    marked_transfer: bool


class RowPreview(BaseModel):
    """A row that the rules would change."""

    id: UUID
    account_id: UUID
    booking_date: date
    amount: ExactAmount
    currency: str
    description: str
    counterparty: str | None
    before: RuledFields
    after: RuledFields


class RulesPreview(BaseModel):
    """What applying the rules would do. Nothing was changed.

    The counts are those of the whole history and stand on the first page only. `timed_out` names rules whose regular
    expressions take too long: while there are any, the rules cannot be applied.
    """

    counts: RulesApplied | None
    timed_out: list[UUID]
    items: list[RowPreview]
    next_cursor: str | None


def rule_schema(rule: Rule, *, missing: Collection[UUID] = ()) -> RuleSchema:
    """The answer that shows a rule; `missing` are accounts that it names and that are no more."""
    return RuleSchema.model_validate(
        {
            **rule.model_dump(include={"id", "name", "enabled", "position", "match", "conditions", "version"}),
            "actions": {**rule.actions, "category_id": rule.category_id},
            "broken": f"There is no account {min(missing)}." if missing else None,
        },
        context=_STORED,
    )


def rule_suggestion(found: Suggestion, rows: int) -> RuleSuggestion:
    """The answer that suggests a rule."""
    return RuleSuggestion.model_validate({**found._asdict(), "rows": rows}, context=_STORED)


def row_preview(before: RowState, after: RowState) -> RowPreview:
    """The answer that shows what the rules would do to a row."""
    return RowPreview(
        id=before.id,
        account_id=before.account_id,
        booking_date=before.booking_date,
        amount=before.amount,
        currency=before.currency,
        description=before.text,
        counterparty=before.counterparty,
        before=_ruled_fields(before),
        after=_ruled_fields(after),
    )


def _ruled_fields(state: RowState) -> RuledFields:
    return RuledFields(
        category_id=state.category_id,
        categorised_by=ChosenBy(state.categorised_by),
        rule_id=state.rule_id,
        merchant=state.merchant,
        tags=list(state.tag_names),
        note=state.note,
        marked_transfer=state.marked_transfer,
    )
