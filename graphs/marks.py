"""The marks in an answer: of its lists, and the `[n]` after the numbers that the passages are shown under.

A model sets an `[n]` where it likes, and the graph cites for itself (`graphs.grounding.cite`), by numbers
that a later part of the question may change: two kinds of marks in one answer contradict each other.
"""

import re
from collections.abc import Sequence

from app.corpus.passage import Passage

_SIGN = "[①-⒛ⓐ-ⓩ㉠-㉻]"
LIST_MARK = rf"(?:{_SIGN}|\(?(?:\d{{1,2}}|[가나다라마바사아자차카타파하])[.)])"
"""What stands before an item of a list, for a pattern: "1.", "(2)", "가.", "③"."""
# "①항" is a part of a rule; "①과 ③입니다" and "9. 30.까지" are answers.
_SAID = r"(?![항호목번,~∼·-]|입니|이[다며고]|[은는이가을를과와의]\s|\s*$)"
_DAY = r"(?:1[0-2]|0?[1-9])\.\s?(?:3[01]|[12]\d|0?[1-9])\.(?!\d|\s?\d{1,2}\.)"
_BARE = r"\d{1,2}[.)](?=[가-힣]{2})(?!까지|부터|에[는서]|입니|이[다며])"
AT_ITEM = rf"^[^\S\n]*(?:{_SIGN}{_SAID}|(?!{_DAY}){LIST_MARK}(?=\s)|{_BARE})[^\S\n]*"
"""The same where a text begins, or a line of it."""
_AT_ITEMS = re.compile(AT_ITEM, re.MULTILINE)
_NUMBERS = r"[1-9]\d?(?:\s?[,~·-]\s?[1-9]\d?)*"
_NOUN = r"(?:문서|자료|출처|근거|참고|참조|[Dd]ocuments?|[Ss]ources?)"
_MARK = rf"(?:\[\s?(?:{_NOUN}\s?[:：]?\s?)?{_NUMBERS}\s?\]|【{_NUMBERS}】)"
_MARKS = rf"{_MARK}(?:\s?[,~·-]?\s?{_MARK})*"
_IN_BRACKETS = re.compile(
    rf"\s?[(（]\s?(?:(?:{_NOUN}\s?[:：]?\s?)?{_MARKS}|{_NOUN}\s?[:：]?\s?{_NUMBERS})\s?[)）]"
)
_AS_SOURCE = re.compile(rf"[ \t]*(?:[-–—][ \t]*)?{_NOUN}\s?[:：]\s?{_MARKS}")
# A mark that is a word of its sentence: "[1]에 따르면", "according to [1]"
_AS_WORD = re.compile(
    rf"(?<!\S)(?:{_NOUN}\s?)?{_MARKS}(?:번\s?(?:문서|자료))?"
    r"(?=에서|에\s(?:따르|따라|의하|나와|적혀|명시|기재|있))"
)
_AS_WORD_EN = re.compile(rf"\b(according to|in|from|per)\s(?:the\s)?(?:{_NOUN}\s)?{_MARKS}", re.IGNORECASE)
_AT_FRONT = re.compile(rf"^[ \t]*{_MARKS}[ \t]*", re.MULTILINE)
_BEHIND = re.compile(rf"[ \t]*{_MARKS}")
_BRACKETED = re.compile(r"\[\d{1,2}\]|[(（][가-힣A-Za-z]+\s?\d{1,2}[)）]|\[[가-힣A-Za-z]+\s?\d{1,2}\]")
_WORD_AFTER = re.compile(r"\s?\w{1,2}")
_ASIDE = str.maketrans("[](（)）", "\ue000\ue001\ue002\ue003\ue004\ue005")
_BACK = str.maketrans("\ue000\ue001\ue002\ue003\ue004\ue005", "[](（)）")


def unlisted(text: str) -> str:
    """The text without the marks of lists at the beginning of its lines."""
    return _AT_ITEMS.sub("", text)


def without_marks(text: str, passages: Sequence[Passage]) -> str:
    """The text without them; brackets that a passage has there itself, as in "[3] 단추를 누릅니다", stay."""
    said = "\n".join(f"{passage.heading}\n{passage.text}" for passage in passages)

    def aside(match: re.Match[str]) -> str:
        return match[0].translate(_ASIDE) if _is_said(match, said) else match[0]

    text = _AS_SOURCE.sub("", _IN_BRACKETS.sub("", _BRACKETED.sub(aside, text)))
    text = _AS_WORD_EN.sub(r"\1 the documents", _AS_WORD.sub("문서", text))
    return _BEHIND.sub("", _AT_FRONT.sub("", text)).translate(_BACK).strip()


def _is_said(match: re.Match[str], said: str) -> bool:
    """Whether a passage has these brackets as a part of a sentence, and not as the mark of a note."""
    if not match[0].strip("[]").isdecimal():
        return match[0] in said
    after = _WORD_AFTER.match(match.string, match.end())
    # A note is set right behind a word: "태어났다.[3] 그는".
    return bool(after and re.search(rf"(?<!\S){re.escape(match[0] + after[0])}", said))
