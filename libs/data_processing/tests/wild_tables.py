"""Reading the tables that tests write, on a fixed day."""

from datetime import date

from data_processing import propose_mapping, read_statement_file


def read(text, **options):
    return read_statement_file(text.encode(), today=date(2026, 11, 20), **options)


def proposed(text):
    proposal = propose_mapping(text.encode(), today=date(2026, 11, 20))
    assert proposal is not None
    return proposal


def roles(proposal):
    return [column.role.value for column in proposal.columns]
