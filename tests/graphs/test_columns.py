from collections.abc import Sequence
from fractions import Fraction

import pytest
from fakes import FakeCorpus, Script, make_resources, passage

from graphs.calculation import CONSTANTS
from graphs.columns import asked_instead, misread, read_again, rows_in
from graphs.context import Context
from graphs.rag import build

PRICES = (
    "품목: 감자(중) · 규격: 20kg/상자 · 일반단가(원): 33000 · 우수단가(원): 31800 · 현재고: 35 · 안전재고: 30\n"
    "품목: 당면 · 규격: 14kg · 일반단가(원): 56500 · 우수단가(원): 54600 · 현재고: 12 · 안전재고: 9"
)
HALLS = "시설: 이음강당 · 평일 주간(2시간): 22,000원 · 평일 야간(2시간): 27,000원 · 주말(2시간): 31,000원"
GOOD = "우수 거래처는 감자를 얼마에 사나요?"


def test_a_row_has_two_named_values_and_more() -> None:
    text = f"단가표\n- {HALLS}\n비고: 없음\n가 · 나"
    assert [dict(row) for row in rows_in(text)] == [
        {
            "시설": "이음강당",
            "평일 주간(2시간)": "22,000원",
            "평일 야간(2시간)": "27,000원",
            "주말(2시간)": "31,000원",
        }
    ]


@pytest.mark.parametrize(
    ("answer", "question", "text", "problem"),
    [
        ("33,000원입니다.", GOOD, PRICES, "33000 is of 일반단가(원), and 우수단가(원) is asked for"),
        ("31,800원입니다.", GOOD, PRICES, ""),
        # Both are told.
        ("일반은 33,000원이고 우수는 31,800원입니다.", GOOD, PRICES, ""),
        ("35상자 남았습니다.", "감자의 안전재고는 얼마인가요?", PRICES, "35 is of 현재고, and 안전재고 is asked for"),
        ("22,000원입니다.", "이음강당을 주말에 빌리면 얼마인가요?", HALLS, "22000 is of 평일 주간(2시간), and 주말(2시간) is asked for"),
        # It is named as well; none is; several are.
        ("22,000원입니다.", "이음강당은 평일과 주말에 얼마인가요?", HALLS, ""),
        ("22,000원입니다.", "이음강당 사용료는 얼마인가요?", HALLS, ""),
        ("33,000원입니다.", "현재고와 안전재고는요?", PRICES, ""),
        # Of another kind, or in the question; what also stands where no column is.
        ("20kg짜리입니다.", GOOD, PRICES, ""),
        ("33,000원이 맞습니다.", "우수 거래처는 감자를 33,000원에 사나요?", PRICES, ""),
        ("33,000원입니다.", GOOD, f"{PRICES}\n우수 거래처도 5월에는 33,000원을 낸다.", ""),
        ("33,000원입니다.", GOOD, f"{PRICES}\n품목: 무 · 일반단가(원): 34000 · 우수단가(원): 33000", ""),
        ("31,800원입니다.", GOOD, "우수 거래처는 31,800원이다.", ""),
    ],
)  # fmt: skip
def test_a_figure_of_the_column_beside_is_told(answer: str, question: str, text: str, problem: str) -> None:
    assert misread(answer, question, [text]) == problem


def test_what_was_asked_for_instead_comes_with_its_value() -> None:
    assert asked_instead(Fraction(33000), GOOD, [PRICES]) == ("일반단가(원)", "우수단가(원)", "31800")
    assert asked_instead(Fraction(7), GOOD, [PRICES]) is None
    assert asked_instead(Fraction(33000), GOOD, []) is None


@pytest.mark.parametrize(
    ("expression", "question", "mended"),
    [
        (
            "33000 * 6 + 56,500 * 4",
            "우수 거래처가 감자 6상자와 당면 4봉을 사면 얼마인가요?",
            "31800 * 6 + 54600 * 4",
        ),
        ("31800 * 6", "우수 거래처가 감자 6상자를 사면 얼마인가요?", "31800 * 6"),
        ("33000 - 31800", "감자의 일반단가와 우수단가는 얼마 차이 나나요?", "33000 - 31800"),
        ("35 * 33000", "감자 현재고를 일반단가로 치면 얼마인가요?", "35 * 33000"),
        ("12 * 33000", "우수 거래처가 감자를 다달이 한 상자씩 사면 한 해에 얼마인가요?", "12 * 31800"),
        ("days_between(2026-03-30, 2026-04-09)", "안전재고는 며칠 남았나요?", "days_between(2026-03-30, 2026-04-09)"),
        ("3만 5천 + 33000", "우수 거래처는 모두 얼마인가요?", "3만 5천 + 33000"),
    ],
)  # fmt: skip
def test_a_calculation_takes_the_column_that_was_asked_for(
    expression: str, question: str, mended: str
) -> None:
    assert read_again(expression, question, [PRICES], CONSTANTS) == mended


def _corpus(text: str) -> FakeCorpus:
    return FakeCorpus(default=[passage(1, text)])


async def _asked(script: Script, question: str, text: str) -> dict[str, object]:
    graph = build(make_resources(script, corpus=_corpus(text)))
    return (await graph.ainvoke({"question": question}, context=Context()))["result"]  # type: ignore[no-any-return]


async def test_the_answer_is_asked_for_again_with_the_column() -> None:
    script = Script(answer="감자는 33,000원입니다.", again="감자는 31,800원입니다.")
    result = await _asked(script, GOOD, PRICES)
    assert result["answer"] == "감자는 31,800원입니다. [1]"
    stubborn = Script(answer="감자는 33,000원입니다.", again="감자는 33,000원입니다.")
    assert (await _asked(stubborn, GOOD, PRICES))["refused"] is True


async def test_a_calculation_is_done_with_the_column_that_was_asked_for() -> None:
    script = Script(needs_calculation=0.9, calculation="CALC: 33000 * 6", answer="190,800원입니다.")
    question = "우수 거래처가 감자를 6상자 사면 모두 얼마인가요?"
    assert (await _asked(script, question, PRICES))["calculation"] == "31800 * 6 = 190,800"


def test_a_long_table_is_read_in_no_time() -> None:
    rows: Sequence[str] = [PRICES.replace("감자", f"감자{number}") for number in range(300)]
    assert misread("33,000원입니다.", GOOD, ["\n".join(rows)]).startswith("33000 is of")
