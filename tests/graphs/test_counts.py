import time

import pytest

from graphs.counts import is_quantity, miscounted, of_another_kind
from graphs.numerals import in_digits


@pytest.mark.parametrize(
    ("text", "known", "wrong"),
    [
        ("30분입니다", "병가는 30일이다", True),
        ("30일입니다", "병가는 30일이다", False),
        ("30일입니다", "30 영업일 안에", False),
        ("3개월입니다", "3달이다", False),
        ("3개월입니다", "3월에 한다", True),
        ("50퍼센트입니다", "50%를 준다", False),
        ("3만 5천원입니다", "35,000원", False),
        ("3만 5천 명입니다", "35,000원", True),
        ("14명입니다", "정원(명): 14", False),
        ("5장입니다", "5매", False),
        ("30분입니다", "30일이나 30분", False),
        ("4분의 3입니다", "4일에 3번", False),
        ("301세입니다", "세이브는 301개", True),
        ("301세이브를 올렸습니다", "세이브는 301개", False),
        ("7단입니다", "7겹이다", False),
        ("교육은 1시간 30분입니다", "1시간30분 동안 한다", False),
        ("하루 8시간 일합니다", "8시간근무를 원칙으로", False),
        ("8시에 엽니다", "8시간 동안 연다", True),
    ],
)
def test_a_number_with_another_unit(text: str, known: str, wrong: bool) -> None:
    assert bool(miscounted(text, known)) is wrong


def test_a_quantity_is_no_name() -> None:
    assert is_quantity("15g") and is_quantity("500ml")
    assert not is_quantity("4K") and not is_quantity("MT-740")


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ("7층 회의실에는 5명까지 들어갈 수 있습니다.", "7층 · 회의실 수: 5개"),
        ("참가비는 30원입니다.", "정원은 30명이다."),
        ("할인은 12%입니다.", "12개월 할부"),
    ],
)
def test_people_money_and_shares_are_counted_in_their_own_words(answer: str, known: str) -> None:
    assert of_another_kind(in_digits(answer, loose=False), in_digits(known))


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        ("보증인 2명이 서명합니다.", "보증인 두 명이 2층 민원실에서"),
        ("정원은 10명입니다.", "정원은 열 명이며 10시에 연다"),
        ("20명을 초대합니다.", "20분을 초대한다"),
        ("200명이 앉습니다.", "200석을 갖춘"),
        ("1명입니다.", "혼자 1층에서"),
        ("186000원입니다.", "단가(원): 186000"),
        ("500원입니다.", "1통에 500원"),
        ("60%입니다.", "100점의 60%"),
        ("오후 6시까지입니다.", "18시까지 6층에서"),
        ("7월부터 9월까지 3개월입니다.", "7월~9월, 매회 3시간"),
        ("1일만 빌릴 수 있습니다.", "1인당 하루만"),
        ("서류는 3가지입니다.", "3개월 이내의 등본"),
        ("5명입니다.", "회의실 5개, 정원 12명"),
        ("100% 돌려드립니다.", "7일 전까지 취소하면 전액을 돌려준다. 100일 안에"),
        ("50%를 돌려받습니다.", "이용 50일 전까지 취소하면 절반을 돌려준다."),
        ("자녀가 3명 이상이어야 합니다.", "세 자녀 이상 가정은 3년간 감면"),
        ("4명이 삽니다.", "네 식구가 4층에 산다."),
        ("5명이 잘 수 있습니다.", "3인실 1개와 2인실 1개가 5층에"),
        ("참가비는 1000원입니다.", "참가비는 천 원이고 1000일 기념"),
        ("0원입니다.", "0세부터 5세까지는 무료"),
        ("보호자 1명만 들어갑니다.", "보호자는 하루 1회 면회"),
    ],
)
def test_what_may_well_be_right_is_let_pass(answer: str, known: str) -> None:
    assert not of_another_kind(in_digits(answer, loose=False), in_digits(known))


def test_a_long_row_of_figures_is_read_at_once() -> None:
    started = time.process_time()
    miscounted("1억 " + "1" * 60 + " 명", "3천 " + " ".join(["1200"] * 40))
    assert time.process_time() - started < 5
