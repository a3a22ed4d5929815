"""Bytes to text, for files whose declared encoding is often wrong or missing.

Valid UTF-8 is UTF-8 whatever the file declares. Other bytes are read as declared, else as Windows-1252 where that gives
letters, else by statistics. A file that is UTF-8 with a few broken bytes is damaged and refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from charset_normalizer import from_bytes

from data_processing.errors import BinaryFile, WrongEncoding

Pieces = Callable[[], Iterable[bytes]]
"""The bytes of a file from the start, anew at each call."""

_HEAD = 4096
_SAMPLES = 2000
_DECLARATIONS = (
    re.compile(rb"""<\?xml[^>]{0,200}\bencoding\s*=\s*["']([\w.:-]{1,40})["']""", re.IGNORECASE),
    re.compile(rb"^[ \t]*ENCODING:[ \t]*(UTF-?8|UNICODE)", re.IGNORECASE | re.MULTILINE),
    re.compile(rb"^[ \t]*CHARSET:[ \t]*([\w.:-]{1,40})", re.IGNORECASE | re.MULTILINE),
)
_UTF8_SEQUENCE = re.compile(rb"[\xC2-\xDF][\x80-\xBF]|[\xE0-\xEF][\x80-\xBF]{2}|[\xF0-\xF4][\x80-\xBF]{3}")
_HIGH_BYTE = re.compile(rb"[\x80-\xFF]")
_LIKELY = re.compile(r"[\x00-\x7FÀ-ÖØ-öø-ÿŒœŠšŽžŸ €£§°²³µ´`·–—‘’“”„«»…•ªº¿¡®©™\xad]*")
_ACCENTED_WORD = re.compile(r"(?<![A-Za-z])[A-Za-z]*+[À-ÿŒœŠšŽžŸ][A-Za-zÀ-ÿŒœŠšŽžŸ]*+")
# Letters of ISO 8859-2 that Windows-1250, which differs from it in a dozen letters, has as signs.
_ISO_8859_2 = re.compile(rb"[A-Za-z\xC0-\xFF][\xA1\xA6\xA9\xAB\xAC\xAE\xB1\xB6\xBB][A-Za-z\xC0-\xFF]")
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9F]")
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
    encoding = encoding_of(lambda: (content,))
    return DecodedText(content.decode(encoding), public_name(encoding))


def public_name(encoding: str) -> str:
    """The encoding as it is called towards users: a byte order mark is no part of the name."""
    return encoding.removesuffix("-sig")


def encoding_of(pieces: Pieces) -> str:
    """The encoding, by Python's name, that the bytes of a file can be decoded in from their first to their last.

    Args:
        pieces: gives the bytes of the file from the start, anew at each call, cut anywhere but inside a line where they
            have lines. No more than a piece is held at a time.

    Raises what ``decode`` raises.
    """
    head = _head(pieces)
    encoding = _unicode_encoding(head)
    if encoding is None:
        _refuse_binary(head)
    broken = _broken_place(pieces, encoding or "utf-8")
    if broken is None:
        return encoding or "utf-8"
    if encoding is None:
        return _legacy_encoding(pieces, head[:_HEAD], broken)
    raise WrongEncoding(
        f"Line {broken.line}: the file starts as {public_name(encoding).upper()} but its bytes there are not. "
        "It was damaged on the way; export it again."
    )


def _head(pieces: Pieces) -> bytes:
    head = b""
    for piece in pieces():
        head += piece[: 16 * _HEAD - len(head)]
        if len(head) >= 16 * _HEAD:
            break
    return head


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


@dataclass(frozen=True, slots=True)
class _BrokenPlace:
    """Where bytes do not fit the encoding: the line, from 1, and the byte."""

    line: int
    byte: int


def _broken_place(pieces: Pieces, encoding: str) -> _BrokenPlace | None:
    """The first place that cannot be decoded; None where there is none. Raises ``BinaryFile`` for zero characters."""
    decoder = codecs.getincrementaldecoder(encoding)()
    plain = encoding.startswith("utf-8")
    lines, before, broken = 1, b"", None
    for piece in pieces():
        if plain and b"\x00" in piece:
            raise BinaryFile(_BINARY)
        if broken is not None:
            continue
        if plain and not before and piece.isascii():
            lines += piece.count(b"\n")
            decoder.decode(piece[:3])  # past a byte order mark
            continue
        try:
            text = decoder.decode(piece)
        except UnicodeDecodeError as error:
            # The decoder keeps what it could not decode of earlier pieces and puts it in front of this one.
            whole = error.object
            broken = _BrokenPlace(lines + whole.count(b"\n", 0, error.start), whole[error.start])
            continue
        if not plain and "\x00" in text:
            raise BinaryFile(_BINARY)
        lines += piece.count(b"\n")
        before = piece[-1:] if not piece.isascii() else b""
    if broken is None:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            broken = _BrokenPlace(lines, error.object[error.start])
    return broken


_BINARY = (
    "The file is binary data and no text. Upload the statement as the bank exports it, "
    "such as OFX (also called Money, Quicken or QFX), camt, MT940, CSV or Excel."
)


def _refuse_binary(head: bytes) -> None:
    strange = len(head) - len(head.translate(None, _CONTROL))
    if b"\x00" in head or strange > max(_FEW_CONTROLS, len(head) // 100):
        raise BinaryFile(_BINARY)


def _legacy_encoding(pieces: Pieces, head: bytes, broken: _BrokenPlace) -> str:
    declared = _declared(head)
    counts = _Legacy()
    for piece in pieces():
        counts.add(piece)
    # Two letters of another encoding may look like one of UTF-8 by accident, so a declaration weighs against it.
    if counts.sequences and counts.sequences >= counts.strays * (_DECLARED_WEIGHT if declared else 1):
        raise WrongEncoding(
            f"Line {broken.line}: the byte {broken.byte:#04x} is not UTF-8, but the rest of the file is. It was "
            "damaged on the way, or joined from two files; export it again and upload it unopened."
        )
    for name in (declared, "mac_roman" if counts.classic_mac else None):
        if name and _decodes(pieces, name):
            return name
    if counts.plausible:
        return "cp1252"
    guessed = from_bytes(bytes(counts.sample), cp_isolation=_CANDIDATES).best()
    if guessed is not None and guessed.encoding == "cp1250" and _is_iso_8859_2(counts.sample):
        return "iso8859-2"
    if guessed is not None and _decodes(pieces, guessed.encoding):
        return guessed.encoding
    return "cp1252" if counts.western else "latin-1"


def _is_iso_8859_2(sample: bytearray) -> bool:
    return _WINDOWS_ONLY.search(sample) is None and _ISO_8859_2.search(sample) is not None


class _Legacy:
    """What the bytes of a file in an old encoding look like, counted while its pieces pass by."""

    def __init__(self) -> None:
        self.sequences = self.strays = 0
        self.sample = bytearray()
        self.western = self.likely = True
        self._returns = self._newlines = False
        self._letters = self._accented = self._sampled = 0

    @property
    def classic_mac(self) -> bool:
        """Whether the lines end as on old Macs."""
        return self._returns and not self._newlines

    @property
    def plausible(self) -> bool:
        """Whether Windows-1252 gives words of a western language: known letters, most of them plain."""
        return self.western and self.likely and self._accented * 2 <= self._letters

    def add(self, piece: bytes) -> None:
        """The next bytes."""
        self._returns = self._returns or b"\r" in piece
        self._newlines = self._newlines or b"\n" in piece
        if piece.isascii():
            return
        self.sequences += len(_UTF8_SEQUENCE.findall(piece))
        self.strays += len(_HIGH_BYTE.findall(_UTF8_SEQUENCE.sub(b"", piece)))
        self._take_samples(piece)
        try:
            text = piece.decode("cp1252")
        except UnicodeDecodeError:
            self.western = False
            return
        self.likely = self.likely and _LIKELY.fullmatch(text) is not None
        words = "".join(_ACCENTED_WORD.findall(text))
        self._letters += len(words)
        self._accented += sum(1 for letter in words if letter > "\x7f")

    def _take_samples(self, piece: bytes) -> None:
        places = islice(_HIGH_BYTE.finditer(piece), _SAMPLES - self._sampled)
        found = [place.start() for place in places]
        self._sampled += len(found)
        for start in dict.fromkeys(max(0, place - 40) // 80 * 80 for place in found):
            self.sample += (b"\n" if self.sample else b"") + piece[start : start + 160]


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


def _decodes(pieces: Pieces, encoding: str) -> bool:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        for piece in pieces():
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, LookupError):
        return False
    return True
