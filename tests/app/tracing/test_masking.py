import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from app.errors import SettingsError
from app.tracing import masking
from app.tracing.masking import FAILED, TOO_DEEP, Masking

MASKED: list[tuple[str, str]] = [
    ("주민번호는 900101-1234567입니다", "주민번호는 [resident number]입니다"),
    ("9001011234567", "[resident number]"),
    ("900101 - 1234567", "[resident number]"),
    ("900101–2234567", "[resident number]"),
    ("외국인 850315-5123456", "외국인 [resident number]"),
    ("900101-1******", "[resident number]"),
    ("010-1234-5678로 전화", "[phone]로 전화"),
    ("01012345678", "[phone]"),
    ("010 1234 5678", "[phone]"),
    ("010.1234.5678", "[phone]"),
    ("(02) 123-4567", "[phone]"),
    ("02-1234-5678", "[phone]"),
    ("064-720-1234", "[phone]"),
    ("+82 10-1234-5678", "[phone]"),
    ("+82-2-123-4567", "[phone]"),
    ("+821012345678", "[phone]"),
    ("4111 1111 1111 1111", "[card]"),
    ("4111-1111-1111-1111", "[card]"),
    ("4111111111111111", "[card]"),
    ("3782-822463-10005", "[card]"),
    ("110-123-456789", "[account]"),
    ("1002-123-456789로 입금", "[account]로 입금"),
    ("3333-01-1234567", "[account]"),
    ("123456-12-123456", "[account]"),
    ("302-1234-5678-91", "[account]"),
    ("국민은행 12345678901234", "국민은행 [account]"),
    ("계좌번호: 12345678901", "계좌번호: [account]"),
    ("hong.gildong+a@example.co.kr로", "[email]로"),
    ("홍길동@회사.한국", "[email]"),
    ("sk-proj-abcdefghijklmnop1234", "[key]"),
    ("pk-lf-12345678-1234-1234-1234-123456789012", "[key]"),
    ("ghp_abcdefghijklmnopqrst1234", "[key]"),
    ("AKIAIOSFODNN7EXAMPLE", "[key]"),
    ("Authorization: Bearer abcdef123456", "Authorization: Bearer [key]"),
    ("api_key=abcdefgh12345678", "api_key=[key]"),
    ('{"token": "deadbeefdeadbeefdeadbeef"}', '{"token": "[key]"}'),
    ("https://u:hunter2@db.example.com/x", "https://[key]@db.example.com/x"),
    ("비밀번호: hunter22", "비밀번호: [key]"),
    ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "[key]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc_def", "[key]"),
    ("2026-03-12에 110-123-456789로", "2026-03-12에 [account]로"),
]

KEPT = [
    "2026-03-12",
    "2026.03.12 2026.03.13",
    "2026. 3. 12. 2026. 11. 12.",
    "2026-03-12T09:30:00.123456+09:00",
    "20260312",
    "2026년 1월",
    "54,000원",
    "1,234,567,890,123원",
    "1234567890123원",
    "10,000-20,000",
    "제21조",
    "제21조-23조 1항",
    "1998-2003-2010",
    "문서 2026-03-12-001",
    "ISBN 978-89-1234-567-8",
    "1588-1234",
    "여울 740-520",
    "192.168.100.100",
    "0.4532891234567890",
    "12345678-1234-1234-1234-123456789012",
    "01a1fe837a6f7073a0415812573c7d07",
    "max_tokens=1024, prompt_tokens: 1234",
    "age_days(1970-07-30) = 20,568",
    "토큰은 모델이 읽는 단위입니다. token: yes",
]


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_what_names_somebody_or_opens_a_door_is_masked(text: str, masked: str) -> None:
    assert Masking().text(text) == masked


@pytest.mark.parametrize("text", KEPT)
def test_dates_amounts_clauses_and_the_like_stay(text: str) -> None:
    assert Masking().text(text) == text


@pytest.mark.parametrize(("text", "masked"), MASKED)
def test_inside_json_text_the_same_is_masked_and_json_stays_json(text: str, masked: str) -> None:
    sent = json.dumps({"text": f"앞 {text} 뒤"}, ensure_ascii=False)
    assert json.loads(Masking().text(sent)) == {"text": f"앞 {masked} 뒤"} or "PRIVATE" in text


def test_what_is_masked_once_stays_as_it_is() -> None:
    mask = Masking()
    once = mask.text(" / ".join(text for text, _ in MASKED if "PRIVATE" not in text))
    assert mask.text(once) == once


@dataclass
class Person:
    name: str
    phone: str


class Card(BaseModel):
    number: str


def test_values_are_masked_at_every_depth_and_come_out_as_plain_json() -> None:
    value: dict[str, Any] = {
        "a@b.com": [("010-1234-5678", 3, None, True), {"x": {"y": "900101-1234567"}}],
        "c@d.com": {"password": "짧은말", "token": "연차"},
        "who": Person("홍길동", "010-1234-5678"),
        "card": Card(number="4111111111111111"),
        "raw": b"010-1234-5678",
        "error": ValueError("a@b.com is taken"),
        "score": 0.4111111111111111,
        "count": 4111111111111111,
    }
    masked = Masking().value(value)
    assert masked == {
        "[email]": [["[phone]", 3, None, True], {"x": {"y": "[resident number]"}}],
        "[email] 1": {"password": "[key]", "token": "연차"},
        "who": {"name": "홍길동", "phone": "[phone]"},
        "card": {"number": "[card]"},
        "raw": "[13 bytes]",
        "error": "ValueError: [email] is taken",
        "score": 0.4111111111111111,
        "count": 4111111111111111,
    }
    json.dumps(masked)
    assert value["who"].phone == "010-1234-5678", "what was given is not changed"


def test_what_holds_itself_ends() -> None:
    held: dict[str, Any] = {"text": "a@b.com"}
    held["again"] = held
    assert Masking().value(held) == {"text": "[email]", "again": TOO_DEEP}


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("010-1234-5678")


def test_it_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Masking().value({"a": "clear", "b": Broken()}) == FAILED
    monkeypatch.setattr(masking, "_NUMBERS", None)
    assert Masking().text("010-1234-5678") == FAILED
    assert Masking().value(["010-1234-5678"]) == [FAILED]


def test_patterns_of_ones_own_are_masked_first() -> None:
    mask = Masking([r"사번 ?\d{6}", "개나리 작전"])
    assert mask.text("사번 123456과 개나리 작전, a@b.com") == "[masked]과 [masked], [email]"


def test_a_pattern_of_ones_own_is_found_anywhere_in_a_long_text() -> None:
    mask = Masking([r"사번 ?\d{6}"])
    for position in range(1980, 2010):
        text = mask.text("가" * position + "사번 123456" + "나" * 5000)
        assert text == "가" * position + "[masked]" + "나" * 5000


@pytest.mark.parametrize("pattern", ["(", "a*", "", "|", "(a+)+x", r"(\w*\s?)*:", "(?:(?:ab)*c)*d"])
def test_a_pattern_that_is_none_or_never_ends_is_told_in_one_line(pattern: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Masking([pattern])
    assert str(caught.value).startswith(f"MUTDA_MASK_PATTERNS={pattern!r}: expected a ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "1-" * 50_000, "1" * 100_000, "a" * 100_000 + "@", "a." * 50_000 + "@b." * 10_000, "key=" * 25_000,
        "+1 " * 30_000, "(01" * 30_000, "password" * 12_000, "사" * 50_000 + "@" + "b" * 50_000, "://" * 30_000 + "@",
        "-----BEGIN PRIVATE KEY-----" * 3000, "bearer " * 15_000, "sk-" * 30_000,
    ],
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    Masking([r"\d+ ?번지"]).text(text)
    # A second and a half on a slow machine; the square of the whole text would take minutes.
    assert time.process_time() - started < 10


def test_threads_may_share_it() -> None:
    mask, wrong = Masking(), list[str]()

    def work(number: int) -> None:
        texts = [mask.text(f"{n}번 010-1234-{number}678") for n in range(200)]
        wrong.extend(text for n, text in enumerate(texts) if text != f"{n}번 [phone]")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
