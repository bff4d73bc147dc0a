"""Headings in text that has no styles: the numbering habits of Korean regulations, manuals and reports.

Conservative on purpose. A missed heading costs a section label; a sentence taken for a heading loses its
place in the text. So a heading is short, is no sentence, and a number such as "1." must not stand in
a row with its like, because that is a list.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_LINE_CHARS = 50
_LEGAL_LEVELS = {"편": 11, "장": 12, "절": 13, "관": 14, "조": 15}
_APPENDIX_LEVEL = 12
_BRACKET_LEVEL = 16
_ROMAN_LEVEL = 17
_NUMBER_LEVEL = 20  # and one more for each further number: "8.2.2.1" is 23
_HANGUL_LEVEL = 30
_BOX_LEVEL = 31

_LEGAL = re.compile(r"제\s?\d{1,4}\s?(?P<kind>[편장절관조])(?:의\s?\d{1,3})?(?P<rest>.*)")
_NAMED_ARTICLE = re.compile(r"\s?(?:\([^()]{1,60}\)|\[[^\[\]]{1,60}\]|【[^【】]{1,60}】)")
_APPENDIX = re.compile(
    r"부\s{0,3}칙(?:\s?[<(\[].*)?|[\[<(]?(?:별표|별지|붙임|부록)(?:\s?제?\s?\d{1,3}호?(?:의\d+)?)?(?:\s?서식)?[\]>)]?"
)
_BRACKET = re.compile(
    r"(?:\[[^\[\]]{2,30}\]|【[^【】]{2,30}】|<[^<>]{2,30}>|〈[^〈〉]{2,30}〉|《[^《》]{2,30}》)"
)
_BRACKET_START = re.compile(r"(?:\[[가-힣A-Za-z ]{2,10}\]|【[가-힣A-Za-z ]{2,10}】)\s*\S")
_ROMAN = re.compile(r"(?:[Ⅰ-Ⅻ]|[IVX]{1,5})\s?\.\s*(?P<title>\S.*)")
_DECIMAL = re.compile(r"(?P<number>\d{1,3}(?:\.\d{1,3}){1,5})\.?\s+(?P<title>\S.*)")
_NUMBER = re.compile(r"\d{1,2}\.(?:\s*(?=[^\d\s])|\s+(?=\d)(?!\d{1,2}\.))(?P<title>.*)")
_WORD = re.compile(r"[A-Za-z가-힣一-龥]{2}")
_HANGUL = re.compile(r"[가나다라마바사아자차카타파하]\.\s+(?P<title>\S.*)")
_BOX = re.compile(r"[□■▣◈◆]\s*(?P<title>\S.*)")

# After "제3장" these words continue a sentence: the line refers to the chapter and does not open it.
_CONTINUES = re.compile(
    r"\s*(?:및|또는|내지|부터|까지|이하|중|등|의|에|은|는|이|가|을|를|과|와|으로|로|,|ㆍ|·|~|-)(?![가-힣])"
)
_CONTINUES_ATTACHED = re.compile(r"(?:의|에|은|는|이|가|을|를|과|와|으로|로|부터|까지|및|또는|,|ㆍ|·)")
_SENTENCE_END = re.compile(r"(?:[.!。,;:]|[다요음함임됨]\.?)[\"')\]”’]*$")
_HARD_SENTENCE_END = re.compile(
    r"(?:[.!。,;]|(?:니|한|된|이|있|없|었|았|했|하|는|진|른|않)다|[세어아해에]요)[\"')\]”’]*$"
)
_LEADERS = re.compile(r"(?:[.·…‥]\s?){4,}\s*\d*$|\s{2,}\d{1,4}$")
_UNIT = re.compile(
    r"(?:km|cm|mm|kg|mg|ml|kb|mb|gb|tb|m|g|l|%|％|도|배|점|원|명|개|시간|년|월|일|회|억|만|천)(?![A-Za-z가-힣])",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading found in a line, its level, and what of the line follows it ("제5조(목적) 이 규정은 …")."""

    text: str
    level: int
    rest: str = ""


def legal_heading(line: str) -> Heading | None:
    """A chapter, an article or an appendix of a regulation: "제3장 휴가", "제12조(연차 휴가) ① …", "부칙"."""
    line = line.strip()
    if _APPENDIX.fullmatch(line):
        return Heading(text=line, level=_APPENDIX_LEVEL)
    match = _LEGAL.match(line)
    if match is None or _has_leaders(line):
        return None
    level, rest = _LEGAL_LEVELS[match["kind"]], match["rest"]
    label = line[: match.start("rest")]
    if level == _LEGAL_LEVELS["조"] and (named := _NAMED_ARTICLE.match(rest)):
        body = rest[named.end() :]
        if (body and not body[0].isspace() and body[0] not in "①②③④⑤") or _CONTINUES.match(body):
            return None
        return Heading(text=label + named[0], level=level, rest=body.strip())
    if not rest.strip():
        return Heading(text=label, level=level)
    if not rest[0].isspace() or _CONTINUES.match(rest) or not _is_title(line) or rest.strip()[0] in "①②③(":
        return None
    return Heading(text=line, level=level)


def find_heading(lines: Sequence[str], index: int) -> Heading | None:
    """The heading that `lines[index]` is, judged with its neighbours, or None."""
    line = lines[index].strip()
    if not line:
        return None
    if (found := legal_heading(line)) is not None:
        return found
    if not _is_title(line):
        return None
    after_gap = index == 0 or not lines[index - 1].strip()
    if _BRACKET.fullmatch(line) and after_gap:
        return Heading(text=line, level=_BRACKET_LEVEL)
    shape = _shape(line)
    if shape is None:
        if after_gap and _BRACKET_START.match(line) and _is_alone(lines, index):
            return Heading(text=line, level=_BRACKET_LEVEL)
        return None
    level, depth = shape
    if not _WORD.search(line):
        return None
    # Three numbers ("8.2.2") do not begin a sentence; two or fewer may be an amount or an item.
    if depth < 3 and not after_gap and find_shape_before(lines, index) is None:
        return None
    if level in (_neighbour_level(lines, index, -1), _neighbour_level(lines, index, 1)):
        return None
    return Heading(text=line, level=level)


def find_shape_before(lines: Sequence[str], index: int) -> int | None:
    """The level of the line just above, if it looks like a heading itself (no gap stands between)."""
    above = lines[index - 1].strip()
    if legal_heading(above) is not None:
        return _LEGAL_LEVELS["장"]
    shape = _shape(above) if _is_title(above) else None
    return shape[0] if shape else None


def _shape(line: str) -> tuple[int, int] | None:
    """The level of a numbered line and how many numbers it has, whatever stands around it."""
    if match := _DECIMAL.fullmatch(line):
        depth = match["number"].count(".") + 1
        title = match["title"]
        if not title[0].isalpha() or len(title) < 2 or (depth == 2 and _UNIT.match(title)):
            return None
        return _NUMBER_LEVEL + depth - 1, depth
    if (match := _NUMBER.fullmatch(line)) and (
        match["title"][0].isalnum() or match["title"][0] in "(「『‘“'\""
    ):
        return _NUMBER_LEVEL, 1
    if _ROMAN.fullmatch(line):
        return _ROMAN_LEVEL, 1
    if _HANGUL.fullmatch(line):
        return _HANGUL_LEVEL, 1
    if _BOX.fullmatch(line):
        return _BOX_LEVEL, 1
    return None


def _neighbour_level(lines: Sequence[str], index: int, step: int) -> int | None:
    """The level of the nearest line that is not blank, in the direction of `step`."""
    index += step
    while 0 <= index < len(lines):
        if line := lines[index].strip():
            shape = _shape(line)
            return shape[0] if shape else None
        index += step
    return None


def _is_alone(lines: Sequence[str], index: int) -> bool:
    return index + 1 >= len(lines) or not lines[index + 1].strip()


def _has_leaders(line: str) -> bool:
    """Whether a line is one of a table of contents: "제1장 총칙 ······ 3"."""
    # The bound keeps a crafted line of dots from taking quadratic time.
    return len(line) <= 4 * MAX_LINE_CHARS and _LEADERS.search(line) is not None


def _is_title(line: str) -> bool:
    return len(line) <= MAX_LINE_CHARS and not _HARD_SENTENCE_END.search(line) and not _has_leaders(line)
