"""MT940 messages for the tests, and how they are read."""

from datetime import date

from data_processing import read_statement_file

TODAY = date(2026, 11, 20)
HEAD = ":20:STARTUMS\r\n:25:10020030/1234567\r\n:28C:5/1\r\n:60F:C260401EUR0,\r\n"


def read(text, *, encoding="utf-8"):
    return read_statement_file(text.encode(encoding), today=TODAY)


def mt940(*lines, closing="0,"):
    return HEAD + "".join(line + "\r\n" for line in lines) + f":62F:C260430EUR{closing}\r\n-\r\n"


def only_entry(*lines):
    (found,) = read(mt940(*lines)).statements
    assert found.refused == ()
    (entry,) = found.entries
    return entry
