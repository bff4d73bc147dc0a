import time

import pytest

from graphs.spacing import respaced

TEXTS = [
    "취업규칙 > 연차 휴가: 연차 휴가는 17일이다. 사용 3일 전까지 신청한다.",
    "상담 채팅을 위탁받은 업체는 한결고객센터이다. 연차휴가와 병가는 따로 센다.",
]


@pytest.mark.parametrize(
    ("question", "spaced"),
    [
        ("연차휴가는며칠인가요?", "연차 휴가는 며칠인가요?"),
        ("상담채팅을위탁받은업체는어디인가요?", "상담 채팅을 위탁받은 업체는 어디인가요?"),
        ("상담 채팅을위탁받은업체는 어디?", "상담 채팅을 위탁받은 업체는 어디?"),
        # What is short, or what the texts write so, stays.
        ("연차휴가는 며칠?", "연차휴가는 며칠?"),
        ("한결고객센터에서는 몇 시에 받나요?", "한결고객센터에서는 몇 시에 받나요?"),
        ("How many daysofleave?", "How many daysofleave?"),
        ("", ""),
    ],
)
def test_blanks_stand_where_the_passages_have_them(question: str, spaced: str) -> None:
    assert respaced(question, TEXTS) == spaced


def test_without_passages_only_what_asks_stands_apart() -> None:
    assert respaced("연차휴가는모두며칠인가요?", []) == "연차휴가는모두 며칠인가요?"


def test_nothing_but_blanks_is_added() -> None:
    question = "상담채팅을위탁받은업체는어디이고연차휴가는며칠인가요?"
    assert respaced(question, TEXTS).replace(" ", "") == question


def test_a_long_question_takes_no_time() -> None:
    started = time.process_time()
    for question in ("가" * 20_000, "가a" * 10_000, "a" * 20_000 + "가", "가 " * 10_000):
        respaced(question, ["가 나 다 " * 2_000])
    assert time.process_time() - started < 5
