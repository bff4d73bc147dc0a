"""What speaks against a calculation though each of its numbers is there."""

import time

import pytest

from graphs.calculation import unsupported
from graphs.misreadings import leaves_out_the_asker, of_another_article, rows_of

MOST_S = 4.0
"""Of all four; the first took five times as long where a pattern went over the digits again for each of them."""

PRICES = """품번: KD-E05 · 품명: 염소 전극 · 단가(원): 367000 · 비고: NB-120용
품번: NB-E14 · 품명: 산도 전극 · 단가(원): 186000 · 납기(일): 7
품번: NB-120 · 품명: 측정기 · 단가(원): 2640000
등급: P3 · 할인: 15% · 대상: 학교
품번: TN-20 · 품명: 검정 토너 · 단가(원): 10000
배송비는 3500원입니다. KD-E05는 교정에 40000원이 듭니다."""


@pytest.mark.parametrize(
    ("expression", "question", "misread"),
    [
        ("186000 * 20", "산도 전극 NB-E14를 20개 사면 얼마인가요?", False),
        ("367000 * 20", "산도 전극 NB-E14를 20개 사면 얼마인가요?", True),
        ("367000 * 0.94 * 20", "산도 전극 nb-e14를 20개 사면 얼마인가요?", True),
        ("2640000 - 186000", "NB-120은 NB-E14보다 얼마나 비싼가요?", False),
        ("2640000 - 186000", "NB-120은 KD-E05보다 얼마나 비싼가요?", True),
        # What stands in no row, or is a number of the asker's, or in the row as per cent.
        ("186000 * 20 + 3500", "NB-E14 20개를 배송비까지 더하면?", False),
        ("3500 * 2", "NB-E14를 두 번 나누어 받으면 배송비는 모두 얼마인가요?", False),
        ("40000 * 3", "KD-E05를 세 번 교정하면 얼마인가요?", False),
        ("40000 * 3", "NB-E14를 세 번 교정하면 얼마인가요?", False),
        ("2640000 * 2 * 0.85", "P3 등급인 학교가 NB-120 2대를 사면 얼마인가요?", False),
        # A row may be named in words, beside a code that is only what it is for.
        ("186000 * 2 + 367000", "NB-E14 2개와 염소 전극 하나는 모두 얼마인가요?", False),
        ("186000 * 3", "NB-120에 쓰는 산도 전극을 3개 사면 얼마인가요?", False),
        ("2640000 * 2 * 0.85", "P3 등급이면 측정기 2대는 얼마인가요?", False),
        ("10000 * 3", "TN-20을 3개 사면 얼마인가요?", False),
        # What keeps no row of its own here.
        ("367000 * 20", "염소 전극 20개는 얼마인가요?", False),
        ("10000 * 4", "MX-420에 넣을 토너 4개는 얼마인가요?", False),
        # Its row was not shown: whatever was computed, it lacks that.
        ("186000 * 4 + 186000 * 5", "NB-E14 4개와 OR-K3 5봉은 모두 얼마인가요?", True),
    ],
)
def test_a_number_of_another_article_is_seen(expression: str, question: str, misread: bool) -> None:
    shown = rows_of(PRICES)
    known = [*shown, *rows_of("품번: OR-K3 · 품명: 고무 고리 · 단가(원): 12800")]
    assert of_another_article(expression, question, known, shown) is misread


@pytest.mark.parametrize(
    ("text", "expression", "question"),
    [
        ("5.1 막힘 경보(E-03): 신생아에게 200 mmHg, 그 밖에 450 mmHg이다.", "450 - 200",
         "MX-420의 막힘 압력은 신생아에게 얼마나 더 낮은가요?"),
        ("Q1. MX-420의 월 임대료는?\nA1. 한 대에 55,000원입니다.", "55000 * 3", "MX-420 3대의 임대료는 얼마인가요?"),
        ("등급: G3~G5 · 숙박비: 120,000원\n등급: G6 · 숙박비: 90,000원", "120000 * 3",
         "G4 직원이 3박 하면 숙박비는 얼마인가요?"),
        ("보고서는 A4 세로로 쓴다.\n품번: PP-80 · 품명: 복사용지 · 단가(원): 21000", "21000 * 20",
         "A4 복사용지 20상자는 얼마인가요?"),
        ("회의실 B101 안내\n시간당 사용료는 20,000원입니다.", "20000 * 3", "회의실 B101을 3시간 빌리면 얼마인가요?"),
        ("항목: 월 임대료 · MX-420: 55,000 · MX-640: 72,000", "55000 * 3", "MX-420을 3대 빌리면 얼마인가요?"),
    ],
)  # fmt: skip
def test_a_code_that_keeps_no_row_of_a_table_withdraws_nothing(
    text: str, expression: str, question: str
) -> None:
    rows = [*rows_of(text), *rows_of("MX-420과 B101과 G4와 A4를 말하는 글")]
    assert not of_another_article(expression, question, rows, rows)
    assert not of_another_article(expression, question, rows, rows[:-1])


@pytest.mark.parametrize(
    ("expression", "question", "leaves_out"),
    [
        ("125000 + 34000 + 33000", "2박 3일 출장의 숙박비와 일비는 모두 얼마인가요?", True),
        ("125000 * 2 + 34000 * 3", "2박 3일 출장의 숙박비와 일비는 모두 얼마인가요?", False),
        # One is enough: the other only tells which room it is.
        ("20000 * 2", "7명이 쓸 회의실을 두 시간 빌리면 얼마인가요?", False),
        ("20000 + 5000", "7명이 쓸 회의실을 두 시간 빌리면 얼마인가요?", True),
        # Added as often as it says.
        ("54000 + 54000 + 96000", "평일 당직 두 번과 토요일 당직 한 번은 모두 얼마인가요?", False),
        ("24000 + 9000", "7만 원어치 나누어 사는 값은 얼마인가요?", True),
        ("54000 + 96000", "평일 당직 두 번과 토요일 당직 한 번은 모두 얼마인가요?", True),
        # In other units, or with its scale left out.
        ("600 - 210", "접속한 지 3시간 30분 됐는데 몇 분 남았나요?", False),
        ("265 - 220", "4분 25초 걸렸으면 목표를 몇 초 넘겼나요?", False),
        ("180 * 50", "3시간 쓰면 얼마인가요?", False),
        ("2000 * 2.4%", "2,000만 원을 빌리면 1년 이자는 얼마인가요?", False),
        ("20000000 * 0.024", "2,000만 원을 빌리면 1년 이자는 얼마인가요?", False),
        ("2.4% * 36 * 100", "2,000만 원을 빌리면 1년 이자는 얼마인가요?", True),
        ("55000 * 3", "How much do 3 nights cost?", False),
        ("55000 * 24", "How much do 3 nights cost?", True),
        # What the documents give, and what has no unit to compare, brings nothing along.
        ("350 + 1200", "당면 14kg과 국수를 더하면 얼마인가요?", False),
        ("1200 - 350", "둘의 차이는 얼마인가요?", False),
        ("24000 + 71000", "셋이서 가면 얼마예요?", False),
    ],
)
def test_a_quantity_of_the_asker_is_computed_with(expression: str, question: str, leaves_out: bool) -> None:
    assert leaves_out_the_asker(expression, question, ["당면 14kg · 단가(원): 350"]) is leaves_out


BOUNDS = "30명 이상은 단가를 10% 낮춘다. 회의실은 10명 이하 20,000원, 20명 이하 40,000원이다. 보험료는 90,000원, 소득은 90만 원이다."


@pytest.mark.parametrize(
    ("expression", "question"),
    [
        # It counts what is added up or compared.
        ("40000 - 20000", "두 건의 차이는 얼마인가요?"),
        ("20000 + 40000 + 90000", "세 개 지점의 비용을 모두 더하면 얼마인가요?"),
        ("40000 + 90000", "7개 지점의 값을 합치면 얼마인가요?"),
        ("90000 - 40000", "7개 지점의 값에서 하나를 빼면 얼마인가요?"),
        ("90000 / 40000", "7개 지점의 값을 나누면 얼마인가요?"),
        ("90000 - 40000", "7개 지점의 값을 비교하면 얼마나 다른가요?"),
        ("40000 + 90000", "7개 지점의 값을 합쳐 보면 얼마인가요?"),
        ("90000 - 40000", "모니터 7대의 화면 크기 차이는 얼마인가요?"),
        # It belongs to a name, or to another word.
        ("20000 + 40000", "열대 식물을 사면 얼마인가요?"),
        ("20000 + 40000", "세대당 값을 내면 얼마인가요?"),
        ("120 + 80", "두 회사가 합병하면 직원은 모두 몇 명인가요?"),
        ("120 + 80", "두 건물을 빌리면 모두 얼마인가요?"),
        ("120 + 80", "7번 창고를 빌리면 모두 얼마인가요?"),
        ("120 + 80", "7회차까지 내면 모두 얼마인가요?"),
        ("120 + 80", "7번째로 내면 모두 얼마인가요?"),
        ("120 + 80", "7회의실을 빌리면 모두 얼마인가요?"),
        ("40000 + 90000", "4대 보험을 들면 보험료와 대여료는 모두 얼마인가요?"),
        # It is a bound, or is to be checked.
        ("40000 + 90000", "값이 70만 원이 넘으면 모두 얼마인가요?"),
        ("40000 + 90000", "7개가 넘으면 모두 얼마인가요?"),
        ("40000 + 90000", "7일 안에 반품하면 얼마인가요?"),
        ("40000 * 10%", "5일 전에 취소하면 수수료는 얼마인가요?"),
        ("40000 * 10%", "출발 15일 전 취소하면 수수료는 얼마인가요?"),
        # It tells which row of those with bounds is meant.
        ("40000 + 90000", "15명이 빌리면 대여료와 보험료는 모두 얼마인가요?"),
        # All of it is the amount.
        ("35000 * 0.9", "3만 5천 원짜리를 사면 할인된 값은 얼마인가요?"),
        ("150000000 * 4%", "1억 5,000만 원을 빌리면 이자는 얼마인가요?"),
        ("15000 - 12000", "1만 5,000원을 내면 거스름돈은 얼마인가요?"),
        # The documents give it in other figures.
        ("40000 + 50000", "소득이 900000원이면 모두 얼마인가요?"),
        ("40000 + 50000", "소득이 90만 원이면 모두 얼마인가요?"),
    ],
)
def test_what_only_tells_which_is_meant_need_not_be_computed_with(expression: str, question: str) -> None:
    assert not leaves_out_the_asker(expression, question, [BOUNDS])


def test_hostile_documents_cost_no_time() -> None:
    hostile = ["1" * 20_000, "1," * 2_500, "1-" * 2_500 + "1" * 10_000, "1만" * 2_500]
    started = time.perf_counter()
    for text in hostile:
        leaves_out_the_asker("2 + 2", "3대를 사면 얼마인가요?", [text])
        unsupported("2 + 2", [text])
    assert time.perf_counter() - started < MOST_S
