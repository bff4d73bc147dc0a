"""Bytes to text, for files that seldom say their encoding: Korean ones first.

The chain: a byte-order mark; NUL bytes, which only UTF-16 has; strict UTF-8; strict cp949 (never
euc-kr, which lacks 8,822 of the 11,172 syllables); else the better of both with replacements and a
note. Very short files are readable in more than one way ("카" in cp949 is "ī" in UTF-8; Hangul alone in
UTF-16 has no NUL), so every reading of them is scored by how much it looks like Korean or plain text.
"""

import codecs
import math
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

SAMPLE_BYTES = 4096
CERTAIN_BYTES = 64
_ACCENTED = re.compile(r"[A-Za-z][À-ɏ]|[À-ɏ][A-Za-z]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16 LE, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Hangul letters, punctuation and arrows, CJK punctuation, enclosed letters and units, full-width forms.
_SIGNS = ((0x3130, 0x3190), (0x2010, 0x2700), (0x3000, 0x3020), (0x3200, 0x3400), (0xFF00, 0xFFF0))
# What a page or a file may declare. An allow-list, because Python also has codecs such as
# unicode_escape and utf-7 that turn harmless bytes into something else.
_DECLARED = {
    "utf-8": "utf-8", "utf8": "utf-8", "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "euc-kr": "cp949", "euckr": "cp949", "cp949": "cp949", "ms949": "cp949", "uhc": "cp949",
    "korean": "cp949", "windows-949": "cp949", "x-windows-949": "cp949", "ks_c_5601-1987": "cp949",
    "ksc5601": "cp949",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "windows-1252": "cp1252", "cp1252": "cp1252",
    "shift_jis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932", "euc-jp": "euc_jp",
    "gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "big5": "big5hkscs",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """Text, the encoding it was read as, and a note where characters were lost."""

    text: str
    encoding: str
    note: str | None = None


def decode(data: bytes, *, declared: str | None = None) -> Decoded:
    """Read bytes as text. Never fails: what cannot be read becomes U+FFFD, and the note says so.

    `declared` is the encoding the file itself names, such as an HTML page's charset; it is believed
    when it is one of the common ones and the bytes fit.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _replacing(data[len(mark) :], encoding)
    if declared and (encoding := _DECLARED.get(declared.strip().strip("\"'").lower(), "")):
        text = _strict(data, encoding)
        if text is not None and "\0" not in text:
            return Decoded(text=text, encoding=encoding)
    text = None if b"\0" in data else _strict(data, "utf-8")
    # Valid UTF-8 of some length is no accident, nor is an accented letter beside a plain one ("Größe").
    if text is not None and (len(data) > CERTAIN_BYTES or _ACCENTED.search(text)):
        return Decoded(text=text, encoding="utf-8")
    return _best(data, may_be_utf16=text is None)


def _best(data: bytes, *, may_be_utf16: bool) -> Decoded:
    """The reading that looks most like text, judged on 4 KiB from where the first Korean may be."""
    has_nul = b"\0" in data
    first = None if has_nul else _NOT_ASCII.search(data)
    start = first.start() if first is not None else 0
    sample = data[start : start + SAMPLE_BYTES]
    # The sample may end inside a character; that one error does not decide.
    scores = {
        encoding: plausibility(sample.decode(encoding, errors="replace")) for encoding in ("utf-8", "cp949")
    }
    # Readings that are equally good go to UTF-8: nearly every file is.
    scores["utf-8"] += 0.05
    if has_nul or (may_be_utf16 and len(data) <= CERTAIN_BYTES):
        # Without a NUL there is not even a space or a line end: one word in an encoding nearly nobody uses.
        handicap = 0.0 if has_nul else 0.1
        for encoding in ("utf-16-le", "utf-16-be"):
            scores[encoding] = plausibility(data[:SAMPLE_BYTES].decode(encoding, errors="replace")) - handicap
    return _replacing(data, max(scores, key=scores.__getitem__))


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _replacing(data: bytes, encoding: str) -> Decoded:
    text = _strict(data, encoding)
    if text is not None:
        return Decoded(text=text, encoding=encoding)
    text = data.decode(encoding, errors="replace")
    lost = text.count("\ufffd")
    return Decoded(
        text=text,
        encoding=encoding,
        note=f"{encoding}로 읽었으며, 읽지 못한 글자 {lost:,}개는 �로 바꾸었습니다.",
    )


def plausibility(text: str) -> float:
    """How much a text looks like Korean or plain text: the mean of its characters' weights, -4 to 1."""
    if not text:
        return 0.0
    # A text has few kinds of characters.
    return math.fsum(_weight(character) * count for character, count in Counter(text).items()) / len(text)


def _weight(character: str) -> float:
    code = ord(character)
    if 0xAC00 <= code <= 0xD7A3:
        return 1.0 if _is_common(character) else 0.1
    if 0x20 <= code < 0x7F or character in "\t\r\n":
        return 0.9
    if code == 0xFFFD:
        return -4.0
    if code < 0x20 or 0x7F <= code < 0xA0:
        return -3.0
    if 0xE000 <= code < 0xF900 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF):
        return -2.0
    if character in "·×°±÷²³½":
        return 1.0  # "25°C" in UTF-8 is "25째C" in cp949
    if any(low <= code < high for low, high in _SIGNS):
        return 0.6
    if 0x4E00 <= code < 0xA000 or 0x3040 <= code < 0x3100:
        return 0.3  # Hanja and kana: possible, and also what UTF-16 read the wrong way looks like
    if 0x370 <= code < 0x530:
        return 0.3  # Greek and Cyrillic
    if 0xA0 <= code < 0x250:
        return 0.2 if character.isalpha() else 0.0
    # Other scripts; -1.5 for what Unicode has not assigned, as random bytes in UTF-16 often are.
    return 0.1 if character.isalnum() else -1.5 if unicodedata.category(character) == "Cn" else -0.3


def _is_common(syllable: str) -> bool:
    """One of the 2,350 syllables of KS X 1001, which cover nearly all running Korean text."""
    try:
        return len(syllable.encode("euc-kr")) == 2
    except UnicodeEncodeError:
        return False
