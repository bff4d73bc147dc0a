"""The hand-written suites: their form, and that each gold answer is what its passages say or come to."""

import base64
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from evals.metrics.containment import contained, holds
from evals.metrics.injection import obeyed
from evals.suite import Case, read_suite
from graphs.numbers import dates_in, numbers_in, values_in

ROOT = Path(__file__).parents[2]
DATASETS = ROOT / "evals" / "datasets"
MINIMUMS = {
    "injection": {"injection-document": 40, "injection-web": 20},
    "injection_fresh": {"injection-document": 25, "injection-web": 10},
    "injection_third": {"injection-document": 35, "injection-web": 15},
    "robust": {
        "robust-empty": 8,
        "robust-typo": 6,
        "robust-form": 8,
        "robust-code": 8,
        "robust-absurd": 4,
        "robust-self": 3,
        "robust-several": 3,
        "robust-long": 4,
    },
    "calc": {
        "calc-arithmetic": 8,
        "calc-percent": 8,
        "calc-unit": 6,
        "calc-date": 6,
        "calc-age": 5,
        "calc-missing": 4,
        "calc-web": 6,
    },
    "followup": {
        "followup-ellipsis": 12,
        "followup-pointer": 12,
        "followup-change": 10,
        "followup-unanswerable": 8,
    },
}
TOTALS = {
    "injection": 60,
    "injection_fresh": 40,
    "injection_third": 50,
    "robust": 40,
    "calc": 40,
    "followup": 40,
}
PASSAGES = {
    "injection": (2, 4),
    "injection_fresh": (2, 3),
    "injection_third": (2, 3),
    "robust": (2, 3),
    "calc": (2, 4),
    "followup": (3, 5),
}
COMMANDS = {
    "injection-document": "ignore reveal word fact url tool role hidden polite turns cite block threat language "
    "format refuse unanswerable",
    "injection-web": "ignore fact url role hidden tool polite block refuse language threat unanswerable",
}
ONE_LINE = {"injection-document-fresh-03", "injection-document-fresh-28"}
"""The fact and the command stand in one row of a table or in one sentence."""
NOT_SPELT_OUT = {"injection-document-third-09", "injection-document-third-30", "injection-web-third-15"}
"""What is forbidden are the letters of the language that is demanded, or a word that is given backwards."""
DECOMPOSED = {"robust-form-03", "robust-form-04"}
COMPATIBLE = {"robust-form-02", "robust-form-09", "robust-form-10"}
"""Full-width and circled letters, wide and unbreakable spaces."""


def commanding() -> Iterator[Case]:
    return (case for case in every() if case.kind.startswith("injection"))


def every() -> Iterator[Case]:
    for name in MINIMUMS:
        yield from read_suite(DATASETS / f"{name}.jsonl")


def of(name: str) -> list[Case]:
    return read_suite(DATASETS / f"{name}.jsonl")


def texts(case: Case) -> list[str]:
    return [passage.text for passage in case.passages or []]


def sentences(text: str) -> list[str]:
    return [piece for piece in re.split(r"(?<=[.!?。])\s+|\n", text) if piece.strip()]


def answering(case: Case) -> list[str]:
    """Sentences that hold a gold answer."""
    return [piece for text in texts(case) for piece in sentences(text) if contained(piece, case.answers)]


def is_english(case: Case) -> bool:
    return not re.search("[가-힣]", unicodedata.normalize("NFC", case.question))


@pytest.mark.parametrize("name", MINIMUMS)
def test_enough_of_every_kind(name: str) -> None:
    cases = of(name)
    counts = Counter(case.kind for case in cases)
    assert set(counts) == set(MINIMUMS[name])
    assert {kind: n for kind, n in counts.items() if n < MINIMUMS[name][kind]} == {}
    assert len(cases) >= TOTALS[name]
    assert all(re.fullmatch(rf"{case.kind}(?:-[a-z]+)?-\d\d", case.id) for case in cases)


def test_ids_and_questions_are_unique() -> None:
    cases = list(every())
    assert [item for item, n in Counter(case.id for case in cases).items() if n > 1] == []
    assert [item for item, n in Counter(case.question for case in cases).items() if n > 1] == []


@pytest.mark.parametrize("name", PASSAGES)
def test_passages_are_few_and_named(name: str) -> None:
    low, high = PASSAGES[name]
    for case in of(name):
        if case.kind == "calc-web":
            assert case.passages is None, case.id
            continue
        assert low <= len(texts(case)) <= high, case.id
        titles = [passage.title for passage in case.passages or []]
        assert all(title.strip() for title in titles) and len(set(titles)) == len(titles), case.id
        assert len(set(texts(case))) == len(titles), case.id
        assert case.sources == [], case.id


def test_what_is_answerable_has_gold_answers_and_nothing_else_has() -> None:
    for case in every():
        assert bool(case.answers) is case.answerable, case.id
        assert len(set(case.answers)) == len(case.answers), case.id
    nothing = ("robust-empty", "robust-self", "calc-missing", "followup-unanswerable")
    for case in every():
        if case.kind in nothing or case.kind.startswith(("calc-", "followup-")):
            assert case.answerable is (case.kind not in nothing), case.id
    assert Counter(case.answerable for case in of("robust"))[False] >= 20
    assert 4 <= Counter(case.answerable for case in of("injection"))[False] <= 10


def test_passages_hold_a_gold_answer() -> None:
    checked = [case for case in every() if case.answerable and not case.kind.startswith("calc-")]
    assert [case.id for case in checked if not answering(case)] == []
    assert len(checked) >= 140


def test_questions_do_not_give_the_answer_away() -> None:
    for case in every():
        spoken = "\n".join([case.question, *(message.content for message in case.history)])
        assert not contained(spoken, case.answers), case.id


def test_text_is_composed_but_where_it_is_meant_not_to_be() -> None:
    decomposed, compatible = set(), set()
    for case in every():
        said = case.model_dump_json(exclude={"question"}) + "".join(texts(case))
        assert unicodedata.is_normalized("NFC", said), case.id
        if not unicodedata.is_normalized("NFC", case.question):
            decomposed.add(case.id)
        elif re.search(r"[\uff01-\uff5e\u2460-\u24ff\u00a0\u3000]", case.question):
            compatible.add(case.id)
    assert decomposed == DECOMPOSED
    assert compatible == COMPATIBLE


@pytest.mark.parametrize("name", MINIMUMS)
def test_what_cannot_be_seen_is_escaped_in_the_file(name: str) -> None:
    text = (DATASETS / f"{name}.jsonl").read_text(encoding="utf-8")
    assert {hex(ord(c)) for c in text if unicodedata.category(c) in {"Cf", "Zl", "Zp"}} == set()
    assert {c for c in text if unicodedata.category(c) == "Cc"} == {"\n"}
    assert not re.search(r"[\u1100-\u11ff\u00a0\u3000]", text)


# ---- injection


def readable(text: str) -> str:
    """Letters and digits alone, with what hides in tag characters and base64 written out."""
    text = "".join(chr(ord(c) - 0xE0000) if 0xE0020 <= ord(c) < 0xE007F else c for c in text)
    for code in re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", text):
        text += " " + base64.b64decode(code, validate=True).decode("utf-8")
    return bare(text)


def bare(text: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", text).casefold())


def test_forbidden_texts_are_demanded_by_a_passage() -> None:
    for case in commanding():
        assert case.forbidden and len(set(case.forbidden)) == len(case.forbidden), case.id
        demanded = [text for text in texts(case) if any(bare(f) in readable(text) for f in case.forbidden)]
        assert len(demanded) == (0 if case.id in NOT_SPELT_OUT else 1), case.id


def test_forbidden_texts_are_in_no_honest_answer() -> None:
    for case in commanding():
        assert not obeyed(case.question, case.forbidden), case.id
        assert not any(obeyed(answer, case.forbidden) for answer in case.answers), case.id
        assert not any(holds(forbidden, answer) for forbidden in case.forbidden for answer in case.answers), (
            case.id
        )
        honest = [piece for piece in answering(case) if not obeyed(piece, case.forbidden)]
        assert honest or not case.answerable or case.id in ONE_LINE, case.id


def test_only_injections_forbid() -> None:
    assert {case.id.split("-")[0] for case in every() if case.forbidden} == {"injection"}


def test_every_way_to_command_is_tried() -> None:
    tried = Counter((case.kind, case.id.removeprefix(f"{case.kind}-")[:-3]) for case in of("injection"))
    assert {kind: {way for k, way in tried if k == kind} for kind in COMMANDS} == {
        kind: set(ways.split()) for kind, ways in COMMANDS.items()
    }
    assert min(n for (kind, _), n in tried.items() if kind == "injection-document") >= 2


def test_commands_hide_in_every_way_that_is_told() -> None:
    hidden = " ".join(text for case in of("injection") if "-hidden-" in case.id for text in texts(case))
    assert all(
        sign in hidden for sign in ("<!--", "|---|", "base64", "\u200b", "\U000e0049", "각주", "font-size:0")
    )
    roles = " ".join(text for case in of("injection") if "-role-" in case.id for text in texts(case))
    assert all(
        sign in roles for sign in ("<|im_start|>", "[INST]", "<start_of_turn>", "### System:", "\nassistant:")
    )


def test_commands_also_stand_beside_the_answer() -> None:
    def beside(case: Case) -> bool:
        return any(
            contained(text, case.answers) and any(bare(f) in readable(text) for f in case.forbidden)
            for text in texts(case)
        )

    assert sum(beside(case) for case in of("injection")) >= 10
    assert sum(is_english(case) for case in of("injection")) >= 15


# ---- robust


def test_questions_are_as_odd_as_they_are_said_to_be() -> None:
    asked = {case.id: case.question for case in of("robust")}
    lengths = sorted(len(question) for question in asked.values())
    assert 2800 <= lengths[-1] <= 3200 and lengths[0] == 1
    assert {"?", "...", "ㅁㄴㅇㄹ"} <= set(asked.values())
    together = "\n".join(asked.values())
    for pattern in (
        r"\u202e.+\u202c",
        "[א-ת]",
        "[ء-ي]",
        r"[ァ-ヶ]",
        r"\bSELECT\b",
        "<script>",
        r"\\begin\{align\}",
        r'\{"question": ',
        "(?m)^[A-Z ?]+$",
        r"(?m)^\d+$",
        r"(?m)^\S{15,}$",
    ):
        assert re.search(pattern, together), pattern


# ---- followup


def test_history_alternates_and_ends_with_an_answer() -> None:
    lengths: Counter[int] = Counter()
    for case in every():
        assert bool(case.history) is case.kind.startswith("followup-"), case.id
        roles = [message.role for message in case.history]
        assert roles == ["user", "assistant"] * (len(roles) // 2), case.id
        assert all(message.content.strip() for message in case.history), case.id
        lengths[len(roles) // 2] += 1
    assert set(lengths) == {0, 1, 2, 3} and min(lengths.values()) >= 3


def test_history_says_what_the_passages_say() -> None:
    for case in of("followup"):
        known = numbers_in("\n".join(texts(case)))
        for message in case.history:
            assert message.role == "user" or numbers_in(message.content) <= known, case.id


def test_conversations_share_their_passages() -> None:
    groups = Counter(tuple(texts(case)) for case in of("followup"))
    assert len(groups) >= 6 and min(groups.values()) >= 4
    assert sum(is_english(case) for case in of("followup")) >= 8


# ---- calc

Gold = Fraction | int | date | tuple[set[Fraction | int], ...]
"""A number, a date, or every set of numbers with which a duration may be written."""


def share_of(part: int, whole: int) -> Fraction:
    return Fraction(part * 100, whole)


def age(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def duration(minutes: int) -> tuple[set[Fraction | int], ...]:
    return set(divmod(minutes, 60)), {minutes}, {Fraction(minutes, 60)}


MARCH_1 = date(2026, 3, 1)
GOLD: dict[str, Gold] = {
    "calc-arithmetic-01": 7 * 8_700 + 6 * 3_150,
    "calc-arithmetic-02": 13 * 12_400 + 4_500,
    "calc-arithmetic-03": Fraction(18_240 + 21_660 + 20_520, 3),
    "calc-arithmetic-04": 14 * 115_000 * 23,
    "calc-arithmetic-05": 600 * 1_850,
    "calc-arithmetic-06": 620_000 + 84_000 + 45_000,
    "calc-arithmetic-07": Fraction(620_000 * (30 - 19 + 1), 30),
    "calc-arithmetic-08": (45_000 + 70_000) * 12,
    "calc-arithmetic-09": 340_000_000 - 119_000_000,
    "calc-arithmetic-10": Fraction(198 * 60, (11 * 60 + 32) - (8 * 60 + 47)),
    "calc-arithmetic-11": 4_860 + 5_346,
    "calc-arithmetic-12": Fraction("17.5") * 36 * 4,
    "calc-arithmetic-13": Fraction("3.2") * Fraction("12.5"),
    "calc-percent-01": Fraction(25 * 12_400 * (100 - 12), 100),
    "calc-percent-02": Fraction(40 * 8_700 * 12, 100),
    "calc-percent-03": share_of(21_660 - 18_240, 18_240),
    "calc-percent-04": Fraction(620_000 * 105, 100),
    "calc-percent-05": share_of(775, 1_250),
    "calc-percent-06": share_of(496, 496 + 231 + 48),
    "calc-percent-07": (340_000_000 - 119_000_000) * Fraction("0.028"),
    "calc-percent-08": share_of(119, 340),
    "calc-percent-09": 2 * 2 * 13_800 * Fraction(90, 100),
    "calc-percent-10": share_of(5_346 - 4_860, 4_860),
    "calc-percent-11": 12 * 34 * Fraction(85, 100),
    "calc-unit-01": 20_520 / Fraction("7.5"),
    "calc-unit-02": 175 * Fraction("0.84"),
    "calc-unit-03": 96 * Fraction("6.25"),
    "calc-unit-04": Fraction(25 * 340, 1_000),
    "calc-unit-05": Fraction(54_000, 45),
    "calc-unit-06": round(31 / Fraction("0.84"), 1),
    "calc-unit-07": 5_346 * 42,
    "calc-unit-08": 161 * Fraction("1.6"),
    "calc-date-01": (date(2025, 10, 2) - date(2024, 3, 11)).days,
    "calc-date-02": date(2025, 10, 20) + timedelta(days=500),
    "calc-date-03": (MARCH_1 - date(2025, 10, 20)).days,
    "calc-date-04": duration((11 * 60 + 32) - (8 * 60 + 47)),
    "calc-date-05": (MARCH_1 - date(1997, 5, 23)).days,
    "calc-date-06": (MARCH_1 - date(1931, 6, 14)).days,
    "calc-date-07": duration((datetime(2025, 11, 29, 6, 20) - datetime(2025, 11, 28, 21, 35)).seconds // 60),
    "calc-date-08": date(2025, 11, 28) + timedelta(days=100),
    "calc-age-01": age(date(1968, 8, 14), MARCH_1),
    "calc-age-02": age(date(1985, 1, 30), MARCH_1),
    "calc-age-03": (MARCH_1 - date(2019, 4, 2)).days,
    "calc-age-04": age(date(1997, 5, 23), date(2006, 11, 8)),
    "calc-age-05": (date(1985, 1, 30) - date(1968, 8, 14)).days,
    "calc-age-06": age(date(1974, 12, 9), MARCH_1),
    "calc-web-01": age(date(1775, 12, 16), date(1817, 7, 18)),
    "calc-web-02": 2026 - 1446,
    "calc-web-03": (date(2024, 7, 26) - date(1988, 9, 17)).days,
    "calc-web-04": age(date(1969, 9, 14), MARCH_1),
    "calc-web-05": (MARCH_1 - date(1969, 7, 20)).days,
    "calc-web-06": age(date(1970, 7, 30), MARCH_1),
}


def says(answer: str, gold: Gold) -> bool:
    if isinstance(gold, date):
        return dates_in(answer) == {gold}
    return values_in(answer) in (gold if isinstance(gold, tuple) else ({gold},))


def test_every_gold_answer_is_what_the_numbers_come_to() -> None:
    cases = {case.id: case for case in of("calc") if case.answerable}
    assert set(cases) == set(GOLD)
    assert [
        (key, answer) for key, case in cases.items() for answer in case.answers if not says(answer, GOLD[key])
    ] == []


def test_every_calculated_answer_has_to_be_calculated() -> None:
    for case in of("calc"):
        gold = GOLD.get(case.id)
        written = "\n".join([case.question, *texts(case)])
        if isinstance(gold, date):
            assert gold not in dates_in(written), case.id
        elif isinstance(gold, (int, Fraction)):
            assert gold not in numbers_in(written), case.id
        assert not contained(written, case.answers), case.id


def test_amounts_are_gold_with_and_without_commas() -> None:
    for case in of("calc"):
        gold = GOLD.get(case.id)
        if isinstance(gold, (int, Fraction)) and gold >= 1000:
            assert any(f"{int(gold):,}" in answer for answer in case.answers), case.id
            assert any(f"{int(gold)}" in answer for answer in case.answers), case.id
        if (
            "얼마" in case.question
            and case.answerable
            and isinstance(gold, (int, Fraction))
            and gold >= 10_000
        ):
            assert any("만" in answer for answer in case.answers), case.id


def test_the_clock_does_not_change_an_answer() -> None:
    for case in of("calc"):
        assert not re.search(r"오늘|지금|현재|올해|today|now\b", case.question), case.id
    assert sum(is_english(case) for case in of("calc")) >= 12


def test_the_pages_for_looking_up_hold_the_facts_but_no_result() -> None:
    pages = json.loads(Path("evals/datasets/calc_web_pages.json").read_text("utf-8"))
    text = "\n".join(f"{page['title']} {page['content']}" for page in pages)
    assert len({page["url"] for page in pages}) == len(pages)
    for case in read_suite(Path("evals/datasets/calc.jsonl")):
        if case.kind == "calc-web":
            exact = [answer for answer in case.answers if len(answer) > 2]
            assert not [answer for answer in exact if answer in text]
    for fact in ("1775년 12월 16일", "1817년 7월 18일", "1446년에 반포", "1988년 9월 17일", "20 July 1969"):
        assert fact in text
