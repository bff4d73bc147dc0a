"""Numbers as Word writes them: 1, iv, 가, ㄱ, 십이, ③ (ECMA-376 Part 1, 17.18.59)."""

from collections.abc import Callable

_GANADA = "가나다라마바사아자차카타파하"
_CHOSUNG = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"
_SINO = "영일이삼사오육칠팔구"
_SINO_UNITS = ("", "십", "백", "천")
_NATIVE_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_HANJA = "〇一二三四五六七八九"
_HANJA_UNITS = ("", "十", "百", "千")
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
    (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def format_number(number: int, style: str, *, pad: int = 0) -> str:
    """A number in one of Word's formats (`w:numFmt`); formats not known here are decimal."""
    if style == "none":
        return ""
    if pad:
        return str(number).zfill(pad)
    formatter = _FORMATS.get(style)
    return formatter(number) if formatter is not None and number > 0 else str(number)


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        text += letters * count
    return text


def _cycle(alphabet: str) -> Callable[[int], str]:
    """a, b, …, z, aa, bb: past the end the letter is doubled (17.18.59)."""

    def letters(number: int) -> str:
        repeats, index = divmod(number - 1, len(alphabet))
        return alphabet[index] * (repeats + 1)

    return letters


def _offset(first: str, count: int) -> Callable[[int], str]:
    """Signs that stand in order in Unicode, such as ① to ⑳; decimal past the last."""
    return lambda number: chr(ord(first) + number - 1) if number <= count else str(number)


def _digits(alphabet: str) -> Callable[[int], str]:
    return lambda number: "".join(alphabet[int(digit)] for digit in str(number))


def _counting(digits: str, units: tuple[str, ...]) -> Callable[[int], str]:
    """Numbers as read: 십일, 이십, 백이."""

    def words(number: int) -> str:
        if number > 9999:
            return str(number)
        text = ""
        for power, digit in zip(reversed(range(len(str(number)))), str(number), strict=True):
            if digit != "0":
                text += ("" if digit == "1" and power else digits[int(digit)]) + units[power]
        return text

    return words


def _native(number: int) -> str:
    return _NATIVE_TENS[number // 10] + _NATIVE_ONES[number % 10] if number < 100 else str(number)


def _ordinal(number: int) -> str:
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


_LATIN = "abcdefghijklmnopqrstuvwxyz"
_FORMATS: dict[str, Callable[[int], str]] = {
    "decimal": str,
    "decimalZero": lambda number: f"{number:02d}",
    "upperRoman": _roman,
    "lowerRoman": lambda number: _roman(number).lower(),
    "upperLetter": _cycle(_LATIN.upper()),
    "lowerLetter": _cycle(_LATIN),
    "ordinal": _ordinal,
    "hex": lambda number: f"{number:X}",
    "ganada": _cycle(_GANADA),
    "chosung": _cycle(_CHOSUNG),
    "koreanCounting": _counting(_SINO, _SINO_UNITS),
    "koreanDigital": _digits(_SINO),
    "koreanDigital2": _counting(_HANJA, _HANJA_UNITS),
    "koreanLegal": _native,
    "japaneseCounting": _counting(_HANJA, _HANJA_UNITS),
    "chineseCounting": _counting(_HANJA, _HANJA_UNITS),
    "chineseCountingThousand": _counting(_HANJA, _HANJA_UNITS),
    "taiwaneseCounting": _counting(_HANJA, _HANJA_UNITS),
    "ideographDigital": _digits(_HANJA),
    "japaneseDigitalTenThousand": _digits(_HANJA),
    "taiwaneseDigital": _digits(_HANJA),
    "ideographTraditional": _cycle("甲乙丙丁戊己庚辛壬癸"),
    "ideographZodiac": _cycle("子丑寅卯辰巳午未申酉戌亥"),
    "decimalEnclosedCircle": _offset("①", 20),
    "decimalEnclosedParen": _offset("⑴", 20),
    "decimalEnclosedFullstop": _offset("⒈", 20),
    "ideographEnclosedCircle": _offset("㊀", 10),
    "decimalFullWidth": lambda number: "".join(chr(ord("０") + int(digit)) for digit in str(number)),
    "numberInDash": lambda number: f"- {number} -",
}
