"""One function masks what may identify a person or open a door, before anything is stored or sent.

What is told apart, and the mask that stands in its place:

    [resident number]   주민등록번호 and 외국인등록번호: a birth date, a digit from 1 to 8, six more or ******
    [card]              13 to 19 digits that pass the check of ISO/IEC 7812 (Luhn), in groups or not
    [phone]             Korean mobile and area numbers, and any number that begins with + and a country
    [account]           Korean bank accounts, in groups; without groups, behind a word such as 계좌 or 은행
    [email]             addresses
    [key]               keys of well-known services, bearer tokens, JWTs, private keys, passwords by name
    [masked]            what a pattern of yours matches (MUTDA_MASK_PATTERNS)

Dates, amounts of money, clauses and years stay. Numbers that are not text stay too: they are scores,
counts and times.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from app.errors import SettingsError

FAILED = "[masked: masking failed]"
TOO_DEEP = "[masked: too deep]"

MAX_DEPTH = 40
# A question's passages and prompts come by again in each step's input and output.
CACHED_TEXTS = 512
MAX_CACHED_CHARS = 8000
# A pattern of a person's own sees at most a window at a time, so that even one whose time grows with the
# square of the text ends soon. A match up to the overlap's length is found wherever it begins.
WINDOW_CHARS = 1000
OVERLAP_CHARS = 200

_DASH = r"[-\u2010-\u2015\u2212\uff0d]"  # hyphen, dashes, minus, full-width
_GAP = rf"(?:{_DASH}|[ .])"
_START = r"(?<![\d.])"
_END = r"(?!\d|\.\d)"
# Digits without a break are also parts of identifiers.
_ALONE = r"(?<![\dA-Za-z.])"
_ALONE_END = r"(?![\dA-Za-z]|\.\d)"

# Every number of the kinds below is in such a run; the rest of a text is passed over quickly.
_NUMBERS = re.compile(r"[\d+(][-\d *().\u2010-\u2015\u2212\uff0d]{7,}")
_BIRTH = r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_RESIDENT = re.compile(
    rf"{_START}{_BIRTH} ?{_DASH} ?[1-8](?:\d{{6}}|\d{{0,5}}\*{{1,6}}){_END}"
    rf"|{_ALONE}{_BIRTH} ?[1-8](?:\d{{6}}|\d{{0,5}}\*{{1,6}}){_ALONE_END}"
)
_CARD = re.compile(
    rf"{_START}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_END}"
    rf"|{_START}3\d{{3}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}{_END}"
    rf"|{_ALONE}\d{{13,19}}{_ALONE_END}"
)
_PHONE = re.compile(
    rf"{_START}\+\d{{1,3}}{_GAP}?(?:\(0?\d{{0,3}}\){_GAP}?)?\d{{1,4}}(?:{_GAP}?\d{{2,4}}){{2,3}}{_END}"
    rf"|{_START}\(?01[016789]\)?{_GAP}?\d{{3,4}}{_GAP}\d{{4}}{_END}"
    rf"|{_START}\(?0(?:2|[3-6][1-5]|70|80|50\d)(?:\){_GAP}?|{_GAP})\d{{3,4}}{_GAP}\d{{4}}{_END}"
    rf"|{_ALONE}0(?:1[016789]|2|[3-6][1-5]|70)\d{{7,8}}{_ALONE_END}"
)
_ACCOUNT = re.compile(rf"{_START}(?<!\d{_DASH})\d{{2,6}}(?:{_DASH}\d{{1,8}}){{2,3}}(?!\d|{_DASH}\d)")
_PLAIN_ACCOUNT = re.compile(rf"{_ALONE}\d{{10,16}}{_ALONE_END}")
_BEFORE_ACCOUNT = re.compile(r"계좌|은행|뱅크|농협|신협|수협|새마을금고|우체국|account", re.IGNORECASE)
_NEAR_CHARS = 16
_DATE_LIKE = re.compile(r"(?:19|20)\d\d\D(?:0?[1-9]|1[0-2])\D(?:0?[1-9]|[12]\d|3[01])(?!\d)")
_YEARS = re.compile(r"(?:(?:19|20)\d\d\D?)+")
# Of identifiers with hyphens, groups of digits may look like an account.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

_EMAIL = re.compile(
    r"[\w.%+-]{1,64}@(?:[A-Za-z0-9가-힣-]{1,63}\.){1,8}(?:[A-Za-z]{2,24}(?![A-Za-z0-9-])|한국|닷컴|닷넷)"
)
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|(?:gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|hf_|npm_|pypi-)[A-Za-z0-9_-]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r")"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:]{0,200}:[^\s/@]{1,200}(?=@)")
_AUTHORIZATION = re.compile(r"\b(?P<scheme>bearer|basic)\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_PASSWORD = re.compile(
    r"(?P<name>(?:password|passwd|pwd|secret(?:[_-]?key)?|client[_-]?secret|api[_-]?key|private[_-]?key"
    r"|비밀번호|비번|암호)[\\\"']{0,2}\s{0,3}[:=]\s{0,3}[\\\"']{0,2})(?!\[key\])(?P<secret>[^\s\"',;&}\])\\]{4,})",
    re.IGNORECASE,
)
_NAMED_TOKEN = re.compile(
    r"(?P<name>(?:key|token)[\\\"']{0,2}\s{0,3}[:=]\s{0,3}[\\\"']{0,2})(?P<secret>[A-Za-z0-9._~+/=-]{16,})",
    re.IGNORECASE,
)
# Looking for these is many times faster than looking for what they begin.
_TOKEN_HINTS = (
    "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "gh", "pat-", "xox", "hf_", "npm_", "pypi-", "AKIA", "ASIA",
    "AIza", "eyJ",
)  # fmt: skip
_PASSWORD_HINTS = ("pass", "pwd", "secret", "key", "비밀번호", "비번", "암호")
_SECRET_NAME = re.compile(
    r"(?:.*[_-])?(?:password|passwd|pwd|secret|secret_?key|client_?secret|api[_-]?key|private_?key"
    r"|access_?token|refresh_?token|authorization)|비밀번호|비번|암호",
    re.IGNORECASE,
)


class Masking:
    """Masks texts and values; the same one for every place that keeps or sends what a run did.

    It fails closed: where masking itself fails, nothing of the text is left. Safe to use from any thread.
    Raises SettingsError for a pattern of `patterns` that is none, that matches nothing at all, or whose
    time may explode.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = [_compiled(pattern) for pattern in patterns]
        self._cached = lru_cache(maxsize=CACHED_TEXTS)(self._masked)

    def text(self, text: str) -> str:
        """The text with masks in place of what must not be read."""
        try:
            return self._cached(text) if len(text) <= MAX_CACHED_CHARS else self._masked(text)
        except Exception:
            return FAILED

    def value(self, value: Any) -> Any:
        """The value as plain JSON, each text in it masked, the keys of objects too.

        Dataclasses and pydantic models become objects; what is of no known kind becomes its text.
        """
        try:
            return self._value(value, ())
        except Exception:
            return FAILED

    def _value(self, value: Any, above: tuple[int, ...]) -> Any:
        kind = type(value)
        if kind is str:
            return self.text(value)
        if value is None or kind is int or kind is float or kind is bool:
            return value
        if isinstance(value, str):
            return self.text(str(value))
        if isinstance(value, int | float):
            return value
        if len(above) >= MAX_DEPTH or id(value) in above:
            return TOO_DEEP
        above = (*above, id(value))
        if kind is dict or isinstance(value, Mapping):
            return self._object(value, above)
        if isinstance(value, Sequence | Set) and not isinstance(value, bytes | bytearray | memoryview):
            return [self._value(item, above) for item in value]
        if isinstance(value, type):
            return value.__name__
        if is_dataclass(value):
            return self._object({field.name: getattr(value, field.name) for field in fields(value)}, above)
        if hasattr(value, "model_dump"):
            return self._object(value.model_dump(), above)
        if isinstance(value, bytes | bytearray | memoryview):
            return f"[{len(value)} bytes]"
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {value}")
        return self.text(str(value))

    def _object(self, value: Mapping[Any, Any], above: tuple[int, ...]) -> dict[str, Any]:
        masked: dict[str, Any] = {}
        for key, item in value.items():
            name = shown = self.text(str(key))
            while shown in masked:  # two addresses as keys are two entries still
                shown = f"{name} {len(masked)}"
            named = isinstance(item, str) and item and _SECRET_NAME.fullmatch(str(key))
            masked[shown] = "[key]" if named else self._value(item, above)
        return masked

    def _masked(self, text: str) -> str:
        if self._patterns:
            text = _windowed(self._patterns, text)
        text = _without_keys(text)
        if "@" in text:
            text = _CREDENTIALS.sub("[key]", text) if "://" in text else text
            text = _EMAIL.sub("[email]", text)
        return _NUMBERS.sub(_without_numbers, text)


def _without_keys(text: str) -> str:
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub("[key]", text)
    if any(hint in text for hint in _TOKEN_HINTS):
        text = _TOKEN.sub("[key]", text)
    lower = text.lower()
    if "bearer" in lower or "basic" in lower:
        text = _AUTHORIZATION.sub(lambda found: f"{found['scheme']} [key]", text)
    if ":" not in text and "=" not in text:
        return text
    if any(hint in lower for hint in _PASSWORD_HINTS):
        text = _PASSWORD.sub(lambda found: f"{found['name']}[key]", text)
    if "key" in lower or "token" in lower:
        text = _NAMED_TOKEN.sub(lambda found: f"{found['name']}[key]", text)
    return text


def _without_numbers(run: re.Match[str]) -> str:
    """The run of digits, groups and signs with a mask for each number that names somebody."""
    whole, start, end = run.string, run.start(), run.end()
    if _in_uuid(run):
        return run[0]
    # With its neighbours, because letters beside digits make an identifier.
    before, after = whole[start - 1 : start] or " ", whole[end : end + 1] or " "
    text = _RESIDENT.sub("[resident number]", f"{before}{run[0]}{after}")
    money = whole[end : end + 2].lstrip().startswith("원")
    text = _CARD.sub(lambda card: "[card]" if _is_card(card[0]) and not money else card[0], text)
    text = _PHONE.sub("[phone]", text)
    text = _ACCOUNT.sub(lambda account: "[account]" if _is_account(account[0]) else account[0], text)
    if _BEFORE_ACCOUNT.search(whole, max(0, start - _NEAR_CHARS), start):
        text = _PLAIN_ACCOUNT.sub("[account]", text)
    return text[1:-1]


def _in_uuid(run: re.Match[str]) -> bool:
    if "-" not in run[0]:
        return False
    found = _UUID.finditer(run.string, max(0, run.start() - 36), run.end() + 36)
    return any(uuid.start() <= run.start() and run.end() <= uuid.end() for uuid in found)


def _is_card(text: str) -> bool:
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return any(digits) and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_account(text: str) -> bool:
    digits = sum(character.isdigit() for character in text)
    return 10 <= digits <= 16 and not _DATE_LIKE.match(text) and not _YEARS.fullmatch(text)


def _windowed(patterns: Sequence[re.Pattern[str]], text: str) -> str:
    spans = sorted(
        found.span()
        for pattern in patterns
        for start in range(0, max(len(text), 1), WINDOW_CHARS)
        for found in pattern.finditer(text, start, min(len(text), start + WINDOW_CHARS + OVERLAP_CHARS))
        if found.end() > found.start()
    )
    pieces, done = [], 0
    for start, end in spans:
        if start >= done:
            pieces += [text[done:start], "[masked]"]
        done = max(done, end)
    return "".join([*pieces, text[done:]])


def _compiled(pattern: str) -> re.Pattern[str]:
    from re import _parser  # type: ignore[attr-defined]

    try:
        compiled = re.compile(pattern)
        nested = _nests(_parser.parse(pattern), inside=False)
    except (re.error, OverflowError, RecursionError) as error:
        raise SettingsError(
            f"MUTDA_MASK_PATTERNS={pattern!r}: expected a regular expression, but {error}."
        ) from None
    if compiled.match("") or compiled.match(" "):
        raise SettingsError(
            f"MUTDA_MASK_PATTERNS={pattern!r}: expected a pattern that does not match empty text."
        )
    if nested:
        raise SettingsError(
            f"MUTDA_MASK_PATTERNS={pattern!r}: expected a pattern without one + or * inside another, "
            "which may take for ever."
        )
    return compiled


def _nests(parsed: Any, *, inside: bool) -> bool:
    """Whether a repetition without an end is inside another one; `parsed` is of the library's own parser."""
    for operation, argument in parsed:
        repeated = str(operation) in ("MAX_REPEAT", "MIN_REPEAT")
        endless = repeated and argument[1] > WINDOW_CHARS
        if endless and inside:
            return True
        if any(_nests(part, inside=inside or endless) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> list[Any]:
    """The patterns that an operation's argument holds, at whatever place it keeps them."""
    if hasattr(argument, "getwidth"):
        return [argument]
    if isinstance(argument, tuple | list):
        return [part for item in argument for part in _parts(item)]
    return []
