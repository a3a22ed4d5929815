"""Bytes to text, for files whose declared encoding is often wrong or missing.

Valid UTF-8 is UTF-8 whatever the file declares. Other bytes are read as declared, else as Windows-1252 where that gives
letters, else by statistics. A file that is UTF-8 with a few broken bytes is damaged and refused.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from itertools import islice

from charset_normalizer import from_bytes

from data_processing.errors import BinaryFile, WrongEncoding

_HEAD = 4096
_DECLARATIONS = (
    re.compile(rb"""<\?xml[^>]{0,200}\bencoding\s*=\s*["']([\w.:-]{1,40})["']""", re.IGNORECASE),
    re.compile(rb"^[ \t]*ENCODING:[ \t]*(UTF-?8|UNICODE)", re.IGNORECASE | re.MULTILINE),
    re.compile(rb"^[ \t]*CHARSET:[ \t]*([\w.:-]{1,40})", re.IGNORECASE | re.MULTILINE),
)
_UTF8_SEQUENCE = re.compile(rb"[\xC2-\xDF][\x80-\xBF]|[\xE0-\xEF][\x80-\xBF]{2}|[\xF0-\xF4][\x80-\xBF]{3}")
_HIGH_BYTE = re.compile(rb"[\x80-\xFF]")
_LIKELY = re.compile(r"[\x00-\x7FÀ-ÖØ-öø-ÿŒœŠšŽžŸ €£§°²³µ´`·–—‘’“”„«»…•ªº¿¡®©™\xad]*")
_ACCENTED_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]*+[À-ÿŒœŠšŽžŸ][A-Za-zÀ-ÿŒœŠšŽžŸ]*+")
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13, 26, 27})
_FEW_CONTROLS = 8
_DECLARED_WEIGHT = 4
_CANDIDATES = ["cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp850", "cp852", "mac_roman", "shift_jis", "gb18030"]


@dataclass(frozen=True, slots=True)
class DecodedText:
    """A file's text and the name of the encoding it was read in."""

    text: str
    encoding: str


def decode(content: bytes) -> DecodedText:
    """The text of a file.

    Raises:
        BinaryFile: the bytes are no text in any encoding.
        WrongEncoding: the text is UTF-8 in part, with bytes that are not.
    """
    if unicode := _unicode_encoding(content):
        return _decode_unicode(content, unicode)
    _refuse_binary(content)
    try:
        return DecodedText(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        return _decode_legacy(content, error)


def _unicode_encoding(content: bytes) -> str | None:
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = content[:_HEAD]
    if len(head) >= 4 and head.count(0) * 3 > len(head):
        if not any(head[0::2]) or head[0::2].count(0) > 4 * max(1, head[1::2].count(0)):
            return "utf-16-be"
        if head[1::2].count(0) > 4 * max(1, head[0::2].count(0)):
            return "utf-16-le"
    return None


def _decode_unicode(content: bytes, encoding: str) -> DecodedText:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        place = content.count(b"\n", 0, error.start) + 1
        raise WrongEncoding(
            f"Line {place}: the file starts as {encoding.removesuffix('-sig').upper()} but its bytes there are not. "
            "It was damaged on the way; export it again."
        ) from error
    if "\x00" in text:
        raise BinaryFile(_BINARY)
    return DecodedText(text, encoding.removesuffix("-sig"))


_BINARY = (
    "The file is binary data and no text. Upload the statement as the bank exports it, "
    "such as OFX (also called Money, Quicken or QFX), camt, MT940, CSV or Excel."
)


def _refuse_binary(content: bytes) -> None:
    head = content[: 16 * _HEAD]
    strange = len(head) - len(head.translate(None, _CONTROL))
    if b"\x00" in content or strange > max(_FEW_CONTROLS, len(head) // 100):
        raise BinaryFile(_BINARY)


def _decode_legacy(content: bytes, error: UnicodeDecodeError) -> DecodedText:
    declared = _declared(content[:_HEAD])
    sequences = len(_UTF8_SEQUENCE.findall(content))
    strays = len(_HIGH_BYTE.findall(_UTF8_SEQUENCE.sub(b"", content)))
    # Two letters of another encoding may look like one of UTF-8 by accident, so a declaration weighs against it.
    if sequences and sequences >= strays * (_DECLARED_WEIGHT if declared else 1):
        line = content.count(b"\n", 0, error.start) + 1
        raise WrongEncoding(
            f"Line {line}: the byte {content[error.start]:#04x} is not UTF-8, but the rest of the file is. It was "
            "damaged on the way, or joined from two files; export it again and upload it unopened."
        )
    for name in (declared, _classic_mac(content)):
        if name and (text := _try(content, name)) is not None:
            return DecodedText(text, name)
    text = _try(content, "cp1252")
    if text is not None and _plausible(text):
        return DecodedText(text, "cp1252")
    guessed = _guess(content)
    if guessed is not None:
        return guessed
    return DecodedText(text, "cp1252") if text is not None else DecodedText(content.decode("latin-1"), "latin-1")


def _plausible(text: str) -> bool:
    """Whether Windows-1252 gives words of a western language: known letters, most of them plain."""
    if not _LIKELY.fullmatch(text):
        return False
    words = "".join(_ACCENTED_WORD.findall(text))
    accented = sum(1 for letter in words if letter > "\x7f")
    return accented * 2 <= len(words)


def _declared(head: bytes) -> str | None:
    for pattern in _DECLARATIONS:
        found = pattern.search(head)
        if found is None:
            continue
        name = found[1].decode("ascii").lower()
        name = f"cp{name}" if name.isdigit() else name
        try:
            canonical = codecs.lookup(name).name
        except LookupError:
            continue
        if canonical.startswith(("utf", "ascii")):
            continue
        return "cp1252" if canonical == "iso8859-1" else canonical
    return None


def _classic_mac(content: bytes) -> str | None:
    return "mac_roman" if b"\r" in content and b"\n" not in content else None


def _try(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _guess(content: bytes) -> DecodedText | None:
    places = islice(_HIGH_BYTE.finditer(content), 2000)
    starts = dict.fromkeys(max(0, found.start() - 40) // 80 * 80 for found in places)
    sample = b"\n".join(content[start : start + 160] for start in starts)
    best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
    if best is None:
        return None
    text = _try(content, best.encoding)
    return None if text is None else DecodedText(text, best.encoding)
