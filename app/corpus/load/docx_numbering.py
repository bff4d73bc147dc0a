"""Automatic numbers of Word paragraphs, which are not in the text: "8.2.2.1", "제3조", "가.", "1)".

Word stores a pointer (`w:numPr`) in the paragraph or its style and computes the number when it draws the
page. This computes it the same way: ECMA-376 Part 1, 17.9.
"""

import re
from dataclasses import dataclass, field

from lxml import etree

from app.corpus.load.docx_number_format import format_number

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
LEVELS = 9
_MAX_NUMBER = 32767  # the largest Word counts to
_MAX_LINKS = 20  # styles on styles, numbering on numbering styles: bounded, as a file may link in a circle
_PLACEHOLDER = re.compile(r"%([1-9])")


@dataclass
class _Level:
    """One level of a list (`w:lvl`)."""

    format: str = "decimal"
    text: str = ""
    start: int = 1
    restart: int | None = None  # 1-based level after which it starts again; 0 is never
    legal: bool = False  # every number as decimal
    pad: int = 0  # digits of a custom format such as "001, 002, 003, ..."


@dataclass
class _List:
    """An instance of a list (`w:num`): the shared counters, and this instance's own levels."""

    abstract: str
    levels: dict[int, _Level]
    start_overrides: dict[int, int]


@dataclass
class Label:
    """A paragraph's number as printed, and its level, 0 outermost. Bullets read "•"."""

    text: str
    level: int


@dataclass
class _Counters:
    values: list[int | None] = field(default_factory=lambda: [None] * LEVELS)


class Numbering:
    """Gives paragraphs their labels. Call `label` once for each paragraph, in document order."""

    def __init__(self, numbering: "etree._Element | None", styles: "etree._Element | None") -> None:
        """Takes the roots of numbering.xml and styles.xml; either may be missing."""
        self._styles = {
            str(style.get(W + "styleId")): style
            for style in (styles.iter(W + "style") if styles is not None else ())
        }
        self._default_style = next(
            (name for name, style in self._styles.items()
             if style.get(W + "type") == "paragraph" and style.get(W + "default") in ("1", "true", "on")),
            None,
        )  # fmt: skip
        self._abstracts: dict[str, etree._Element] = {}
        self._lists: dict[str, _List] = {}
        self._counters: dict[str, _Counters] = {}
        self._started: set[tuple[str, int]] = set()
        if numbering is not None:
            self._abstracts = {
                str(a.get(W + "abstractNumId")): a for a in numbering.findall(W + "abstractNum")
            }
            nums = {str(num.get(W + "numId")): num for num in numbering.findall(W + "num")}
            self._lists = {name: self._list(num, nums) for name, num in nums.items()}

    def label(self, properties: "etree._Element | None") -> Label | None:
        """The label of a paragraph with these properties (`w:pPr`), or None. Counts it."""
        pointer = self._pointer(properties)
        if pointer is None:
            return None
        name, level = pointer
        entry = self._lists.get(name)
        if entry is None or level not in entry.levels:
            return None
        values = self._counters.setdefault(entry.abstract, _Counters()).values
        self._count(entry, name, level, values)
        return Label(text=self._text(entry, level, values), level=level)

    def style_chain(self, properties: "etree._Element | None") -> list["etree._Element"]:
        """The paragraph's style and those it is based on, nearest first."""
        named = properties.find(W + "pStyle") if properties is not None else None
        name = str(named.get(W + "val")) if named is not None else self._default_style
        chain: list[etree._Element] = []
        while name in self._styles and len(chain) < _MAX_LINKS:
            style = self._styles[name]
            chain.append(style)
            based_on = style.find(W + "basedOn")
            name = str(based_on.get(W + "val")) if based_on is not None else None
        return chain

    def _pointer(self, properties: "etree._Element | None") -> tuple[str, int] | None:
        """The list and level a paragraph points to, itself or through its styles."""
        own = properties.find(W + "numPr") if properties is not None else None
        number, level = _value(own, "numId"), _integer(_value(own, "ilvl"))
        if number is None:
            for style in self.style_chain(properties):
                pointer = style.find(f"{W}pPr/{W}numPr")
                number = _value(pointer, "numId")
                if level is None:
                    # A style's level is where the list names the style, whatever else is written (17.9.23).
                    level = self._level_of_style(number, str(style.get(W + "styleId")))
                    if level is None:
                        level = _integer(_value(pointer, "ilvl"))
                if number is not None:
                    break
        # Number 0 takes a paragraph out of its style's list (17.9.18).
        if number is None or number == "0":
            return None
        return number, min(max(level or 0, 0), LEVELS - 1)

    def _level_of_style(self, number: str | None, style: str) -> int | None:
        entry = self._lists.get(number or "")
        abstract = self._abstracts.get(entry.abstract) if entry else None
        if abstract is None:
            return None
        for level in abstract.findall(W + "lvl"):
            if _value(level, "pStyle") == style:
                return _integer(level.get(W + "ilvl"))
        return None

    def _list(self, num: "etree._Element", nums: "dict[str, etree._Element]") -> _List:
        name = _value(num, "abstractNumId") or ""
        # A list may stand for a numbering style, whose own list holds the levels (17.9.21).
        for _ in range(_MAX_LINKS):
            abstract = self._abstracts.get(name)
            link = _value(abstract, "numStyleLink")
            target = self._styles.get(link or "")
            linked = (
                nums.get(_value(target.find(f"{W}pPr/{W}numPr"), "numId") or "")
                if target is not None
                else None
            )
            if linked is None:
                break
            name = _value(linked, "abstractNumId") or ""
        abstract = self._abstracts.get(name)
        levels = {}
        for element in abstract.findall(W + "lvl") if abstract is not None else ():
            levels[_integer(element.get(W + "ilvl")) or 0] = _level(element)
        starts: dict[int, int] = {}
        for override in num.findall(W + "lvlOverride"):
            index = _integer(override.get(W + "ilvl")) or 0
            replaced = override.find(W + "lvl")
            if replaced is not None:
                levels[index] = _level(replaced)
            start = _integer(_value(override, "startOverride"))
            if start is not None:
                starts[index] = start
        return _List(abstract=name, levels=levels, start_overrides=starts)

    def _count(self, entry: _List, name: str, level: int, values: list[int | None]) -> None:
        definition = entry.levels[level]
        # Instances of one list share counters; an override starts again, the first time it is used.
        fresh = level in entry.start_overrides and (name, level) not in self._started
        self._started.add((name, level))
        current = values[level]
        if fresh:
            values[level] = entry.start_overrides[level]
        elif current is None:
            values[level] = definition.start
        else:
            values[level] = min(current + 1, _MAX_NUMBER)
        for deeper in range(level + 1, LEVELS):
            restart = entry.levels[deeper].restart if deeper in entry.levels else None
            # By default any outer level starts a deeper one again; `restart` n: only levels up to the n-th.
            if restart is None or level < restart:
                values[deeper] = None

    def _text(self, entry: _List, level: int, values: list[int | None]) -> str:
        definition = entry.levels[level]
        if definition.format == "bullet":
            return "•"  # the real one is a code of a symbol font, meaningless as text

        def number(match: re.Match[str]) -> str:
            index = int(match[1]) - 1
            other = entry.levels.get(index, _Level())
            value = values[index]
            if value is None:  # an outer level that no paragraph used shows where it would start
                value = entry.start_overrides.get(index, other.start)
            style = "decimal" if definition.legal and other.format != "none" else other.format
            return format_number(value, style, pad=other.pad)

        return _PLACEHOLDER.sub(number, definition.text).strip()


def _level(element: "etree._Element") -> _Level:
    number_format = element.find(W + "numFmt")
    if number_format is None:  # a custom format stands in a wrapper beside a plain one
        number_format = next(element.iter(W + "numFmt"), None)
    custom = (number_format.get(W + "format") or "") if number_format is not None else ""
    first = custom.split(",")[0].strip()
    start = _integer(_value(element, "start"))
    legal = element.find(W + "isLgl")
    return _Level(
        format=str(number_format.get(W + "val")) if number_format is not None else "decimal",
        text=_value(element, "lvlText") or "",
        start=1 if start is None else start,
        restart=_integer(_value(element, "lvlRestart")),
        legal=legal is not None and legal.get(W + "val") not in ("0", "false", "off"),
        pad=len(first) if first.isdecimal() and first.startswith("0") else 0,
    )


def _value(parent: "etree._Element | None", name: str) -> str | None:
    child = parent.find(W + name) if parent is not None else None
    return child.get(W + "val") if child is not None else None


def _integer(text: str | None) -> int | None:
    # Numbers are clamped: the billionth Roman numeral would be a megabyte long.
    return min(int(text), _MAX_NUMBER) if text is not None and re.fullmatch(r"-?\d{1,9}", text) else None
