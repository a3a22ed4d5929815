"""Files that people upload although they hold no statement that can be read, each named with its way out."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from data_processing.errors import ArchiveFile, BinaryFile, HtmlPage, PdfFile, SpreadsheetFile, UnknownFormat

_EXPORT = (
    "export the statement from the bank as OFX (also called Money, Quicken or QFX), camt (ISO 20022), MT940, CSV or "
    "Excel and upload that"
)
_HTML = re.compile(
    r"\s*+(?><!--.*?-->\s*+)*+<(?:!doctype\s+html|html|head|body|script|table)\b", re.IGNORECASE | re.DOTALL
)
_TITLE = re.compile(r"<title[^<>]*+>([^<]{1,200})", re.IGNORECASE)
_OTHER_TEXT_FORMATS = (
    (re.compile(r"\s*\{\\rtf"), "a rich-text document"),
    (re.compile(r"\s*[\[{]\s*[\"{\[]"), "a JSON document"),
    (re.compile(r"\s*<\?xml|\s*<\w+[\s>]"), "an XML document of another kind"),
)
_SIGNATURES = (
    (b"%PDF-", PdfFile, "a PDF document; its rows cannot be read reliably"),
    (b"\xd0\xcf\x11\xe0", SpreadsheetFile, "an old Excel or Office file; save the sheet as CSV, or"),
    (b"\x1f\x8b", ArchiveFile, "a gzip archive; unpack it and upload the file inside, or"),
    (b"7z\xbc\xaf\x27\x1c", ArchiveFile, "a 7z archive; unpack it and upload the file inside, or"),
    (b"Rar!", ArchiveFile, "a RAR archive; unpack it and upload the file inside, or"),
    (b"BZh", ArchiveFile, "a bzip2 archive; unpack it and upload the file inside, or"),
    (b"\x89PNG", BinaryFile, "a picture"),
    (b"\xff\xd8\xff", BinaryFile, "a picture"),
    (b"SQLite format 3", BinaryFile, "a database file"),
    (b"PAR1", BinaryFile, "a Parquet file"),
)


def refuse_foreign_bytes(content: bytes) -> None:
    """Raise the fitting error when the bytes are those of an archive, a workbook, a PDF or a picture."""
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        raise _zip_error(content)
    for signature, error, what in _SIGNATURES:
        if content.startswith(signature):
            raise error(_sentence(what))


def refuse_web_page(head: str) -> None:
    """Raise ``HtmlPage`` when the text is a web page, with its title."""
    if _HTML.match(head):
        title = _TITLE.search(head)
        named = f' titled "{" ".join(title[1].split())}"' if title else ""
        raise HtmlPage(
            f"The file is a web page{named} and no statement: the download gave an error or login page. "
            "Log in to the bank, export again and upload the new file."
        )


def unknown_text(head: str) -> UnknownFormat:
    """The error for text that no format claims, naming what it looks like."""
    for pattern, what in _OTHER_TEXT_FORMATS:
        if pattern.match(head):
            return UnknownFormat(_sentence(f"{what}, which cannot be read"))
    return UnknownFormat(_sentence("a text without rows of a statement"))


def _sentence(what: str) -> str:
    return f"The file is {what}{' ' if what.endswith('or') else ': '}{_EXPORT}."


def _zip_error(content: bytes) -> UnknownFormat:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        return ArchiveFile(
            "The file is a damaged zip archive: download it again, unpack it and upload the file inside."
        )
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return SpreadsheetFile(_sentence("an Excel workbook (xlsx); save the sheet as CSV, or"))
    if "content.xml" in names and "mimetype" in names:
        return SpreadsheetFile(_sentence("an OpenDocument file; save the sheet as CSV, or"))
    shown = ", ".join(name[:80] for name in names[:5]) or "nothing"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ArchiveFile(
        f"The file is a zip archive that holds {shown}{more}: unpack it and upload the files inside one by one."
    )
