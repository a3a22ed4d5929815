"""Mappings of tables as clients read, confirm and correct them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from data_processing import ColumnRole, CsvMapping, Entry, ProposedMapping, SignRule
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from transaction_service.amounts import ExactAmount
from transaction_service.models import CsvProfile
from transaction_service.schemas.fields import Change, ShortName, Storable
from transaction_service.schemas.imports import RefusalSchema

MOST_COLUMNS = 500

Cell = Annotated[str, StringConstraints(max_length=200), Storable]
Words = Annotated[list[Cell], Field(max_length=50)]


class MappedColumnSchema(BaseModel):
    """One column: its name in the header (the second of one name is `Name #2`) and what it means."""

    model_config = ConfigDict(extra="forbid")

    name: Cell
    role: ColumnRole


class CsvMappingSchema(BaseModel):
    """How tables with one header are read. `columns` are all columns, in the order of the header."""

    model_config = ConfigDict(extra="forbid")

    columns: list[MappedColumnSchema] = Field(min_length=1, max_length=MOST_COLUMNS)
    date_order: Literal["day", "month", "either"] = Field(
        default="either", description="Whether 03/04 is in April or in March; `either` lets every file settle it."
    )
    decimal: Cell = Field(default="", description="The decimal mark: `.` or `,`.")
    thousands: Cell = Field(default="", description="The marks that may separate groups of three digits.")
    currency_signs: Cell = Field(default="", description="Signs that may stand beside amounts, such as `€`.")
    inverted: bool = Field(default=False, description="Whether positive amounts are money out, as cards print them.")
    debit_is_negative: bool = Field(default=False, description="Whether the debit column is printed with a minus.")
    credit_is_negative: bool = Field(default=False, description="Whether the credit column is printed with a minus.")
    out_words: Words = Field(default=[], description="Words of the direction column for money out.")
    in_words: Words = Field(default=[], description="Words of the direction column for money in.")
    booked_words: Words = Field(default=[], description="Words of the status column for booked rows.")
    pending_words: Words = Field(default=[], description="Words of the status column for announced rows.")
    left_out_words: Words = Field(default=[], description="Words of the status column for rows that move no money.")
    currency: Cell = Field(default="", description="The currency of rows that state none.")
    account_type: Cell = Field(default="", description="The type of the account, for files that open one.")


class CsvProfileCreate(BaseModel):
    """A mapping to be kept: a proposal as it is, or corrected."""

    model_config = ConfigDict(extra="forbid")

    name: ShortName = Field(examples=["My bank's card"])
    mapping: CsvMappingSchema


class CsvProfileChange(Change):
    """A change of a kept mapping; a mapping replaces the whole one."""

    clearable: ClassVar[frozenset[str]] = frozenset()

    name: ShortName | None = None
    mapping: CsvMappingSchema | None = None


class CsvProfileSchema(BaseModel):
    """A kept mapping. Files with its header are read by it, before all dialects that are known."""

    id: UUID
    name: str
    header_key: str = Field(description="A hash of the header; a user has one mapping for each header.")
    mapping: CsvMappingSchema
    version: int
    created_at: datetime
    updated_at: datetime


class ProposedColumnSchema(BaseModel):
    """What a column may mean, how sure that is (0 to 1), and some of its cells."""

    name: str
    role: ColumnRole
    confidence: float
    examples: list[str]


class ReadRow(BaseModel):
    """A row as it would be read."""

    place: str
    booking_date: date
    value_date: date | None
    amount: ExactAmount
    currency: str | None
    description: str = Field(validation_alias="text")
    counterparty: str | None
    reference: str | None
    bank_id: str | None
    balance: ExactAmount | None
    pending: bool


class CsvProposal(BaseModel):
    """How a table of unknown shape might be read. Its `mapping` is what a client confirms, corrected where needed."""

    header_key: str
    header: list[str]
    header_line: int
    delimiter: str
    encoding: str
    columns: list[ProposedColumnSchema]
    mapping: CsvMappingSchema
    date_order: Literal["day", "month"] | None = Field(description="None where the dates can be read both ways.")
    decimal: str = Field(description="Empty where the amounts can be read both ways.")
    sign_rule: SignRule
    confidence: float
    rows: int = Field(description="How many rows the file has.")
    entries: list[ReadRow] = Field(description="The first rows as they would be read.")
    refused: list[RefusalSchema]
    warnings: list[str]


def mapping_schema(mapping: CsvMapping) -> CsvMappingSchema:
    """The mapping as clients see it; its name is the profile's."""
    return CsvMappingSchema.model_validate({name: v for name, v in mapping.to_json().items() if name != "name"})


def profile_schema(profile: CsvProfile) -> CsvProfileSchema:
    """The answer that tells of a kept mapping."""
    return CsvProfileSchema.model_validate(profile, from_attributes=True)


def proposal_schema(found: ProposedMapping) -> CsvProposal:
    """The answer that proposes a mapping."""
    return CsvProposal(
        header_key=found.header_key,
        header=list(found.header),
        header_line=found.header_line,
        delimiter=found.delimiter,
        encoding=found.encoding,
        columns=[
            ProposedColumnSchema(name=c.name, role=c.role, confidence=c.confidence, examples=list(c.examples))
            for c in found.columns
        ],
        mapping=mapping_schema(found.mapping),
        date_order=found.date_order,
        decimal=found.decimal,
        sign_rule=found.sign_rule,
        confidence=found.confidence,
        rows=found.rows,
        entries=[_read_row(entry) for entry in found.entries],
        refused=[RefusalSchema(place=row.place, reason=row.reason, bank_id=row.bank_id) for row in found.refused],
        warnings=list(found.warnings),
    )


def _read_row(entry: Entry) -> ReadRow:
    return ReadRow.model_validate(entry, from_attributes=True)
