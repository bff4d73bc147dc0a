"""Citations, numbers and names, checked without a model."""

from fractions import Fraction

import pytest

from app.corpus.passage import Passage
from graphs.grounding import (
    cite,
    contradicts,
    merely_agreed,
    repeats,
    stray_names,
    stray_numbers,
    support,
    unmet_numbers,
    unmet_topic,
)

PASSAGES = [
    Passage(id="1", source="a.txt", heading="휴가", text="병가는 30일입니다. 진단서를 냅니다.", start=50),
    Passage(
        id="2",
        source="b.txt",
        heading="휴가",
        text="연차 휴가는 17일입니다. 신청은 3일 전까지 합니다.",
        start=200,
    ),
]


def test_a_citation_is_the_sentence_that_says_so_with_its_place_in_the_source() -> None:
    (citation,) = cite("17일입니다.", "연차 휴가는 며칠인가요?", PASSAGES)
    assert (citation.n, citation.source, citation.text) == (2, "b.txt", "연차 휴가는 17일입니다.")
    assert (citation.start, citation.end) == (200, 214)


def test_each_sentence_of_an_answer_gets_its_own_source_once() -> None:
    citations = cite("연차는 17일입니다. 병가는 30일입니다. 연차는 17일입니다.", "휴가는?", PASSAGES)
    assert [citation.n for citation in citations] == [2, 1]


def test_a_sentence_that_joins_two_is_cited_clause_by_clause() -> None:
    citations = cite("연차 휴가는 17일이며, 병가는 진단서를 내고 30일입니다.", "휴가는?", PASSAGES)
    assert sorted({citation.n for citation in citations}) == [1, 2]
    assert cite("대표는 홍길동이며, 본사는 울릉도입니다.", "휴가는?", PASSAGES) == []


def told(text: str, heading: str = "", name: str = "x") -> Passage:
    return Passage(id=name, source=name, heading=heading, text=text)


def test_a_number_is_cited_from_the_passage_that_holds_it_however_it_is_written() -> None:
    minutes = told(
        "pH 전극(PH-E14)의 단가는 가격표의 값으로 동결한다. 와이퍼는 39,500원으로 올린다.", "가격 조정"
    )
    row = told("품번: PH-E14 · 품명: pH 전극 · 단가(원): 186000", name="prices.csv")
    (citation,) = cite(
        "가격표에서 PH-E14 pH 전극의 단가는 186,000원입니다.", "PH-E14는 얼마인가요?", [minutes, row]
    )
    assert citation.source == "prices.csv"


def test_a_number_of_another_passage_supports_nothing() -> None:
    rooms = told("7층 회의실은 한 번에 두 시간까지 쓸 수 있습니다.")
    clinics = told("직원이 갈 수 있는 협력 병원은 5곳입니다.", name="y")
    question = "7층 회의실에는 몇 명까지 들어가나요?"
    assert cite("7층 회의실은 5시간까지 쓸 수 있습니다.", question, [rooms, clinics]) == []


LIMITS = [told("연차 휴가는 17일입니다."), told("병가는 30일입니다.", name="y")]


def test_numbers_of_two_passages_in_one_sentence_are_cited_from_both() -> None:
    citations = cite("연차 17일과 병가 30일을 쓸 수 있습니다.", "며칠 쉴 수 있나요?", LIMITS)
    assert [citation.source for citation in citations] == ["x", "y"]


def test_marks_and_numbers_of_a_list_are_not_the_answer_s() -> None:
    assert [c.source for c in cite("연차는 17일입니다 [9].", "연차는?", LIMITS)] == ["x"]
    citations = cite("1) 연차 휴가는 17일입니다.\n2) 병가는 30일입니다.", "휴가는?", LIMITS)
    assert [citation.source for citation in citations] == ["x", "y"]


@pytest.mark.parametrize("marks", ["1. 2.", "1) 2)", "1) 1)", "① ②", "가. 나.", "가) 나)"])
def test_the_marks_of_a_list_need_no_source(marks: str) -> None:
    first, second = marks.split()
    rules = [told("제1조와 제2조를 둔다.", name="z"), *LIMITS]
    answer = f"{first} 연차 휴가는 17일입니다.\n{second} 병가는 30일입니다."
    assert [citation.source for citation in cite(answer, "휴가는?", rules)] == ["x", "y"]
    assert stray_numbers(answer.replace(f"{first} ", first), [passage.text for passage in LIMITS]) == []
    assert merely_agreed(answer, "1년이나 2년에 며칠인가요?", rules) == []


def test_a_yes_is_read_behind_the_mark_of_a_list() -> None:
    shown = [told("직원은 반차를 쓸 수 있다.")]
    assert cite("① 네.", "반차를 쓸 수 있나요?", shown) == cite("네.", "반차를 쓸 수 있나요?", shown) != []
    no = [told("회의실은 주말에 사용할 수 없다.")]
    assert contradicts("① 네, 주말에 회의실을 사용할 수 있습니다.", "주말에 회의실을 사용할 수 있나요?", no)


def test_an_answer_that_is_a_number_of_the_question_is_cited() -> None:
    (citation,) = cite("9.", "Is the limit 7 or 9?", [told("The limit is 9.")])
    assert citation.text == "The limit is 9."


DAYS = [told("연차 휴가는 15일입니다."), told("병가는 30일입니다.", name="y")]


@pytest.mark.parametrize("shown", [DAYS, DAYS[:1]])
def test_a_number_that_the_asker_brought_is_no_fact_for_that(shown: list[Passage]) -> None:
    question, answer = "연차 휴가는 30일 맞나요?", "네, 연차 휴가는 30일입니다."
    assert cite(answer, question, shown) == []
    assert merely_agreed(answer, question, shown) == ["30"]
    assert merely_agreed("네, 30일입니다.", question, shown) == ["30"]


def test_whoever_is_right_is_agreed_with_and_the_sentence_is_cited() -> None:
    question, answer = "병가는 30일 맞나요?", "네, 병가는 30일입니다."
    assert [citation.text for citation in cite(answer, question, DAYS)] == ["병가는 30일입니다."]
    assert merely_agreed(answer, question, DAYS) == []
    loaned = [told("상호대차 도서는 두 권까지 보름 동안 빌린다.")]
    for said in ("네, 2권까지 빌릴 수 있습니다.", "네, 15일 동안 빌립니다."):
        assert merely_agreed(said, "2권까지 15일 동안 빌릴 수 있나요?", loaned) == []
        assert cite(said, "2권까지 15일 동안 빌릴 수 있나요?", loaned)


def test_the_asker_s_number_beside_one_of_the_documents_is_no_better() -> None:
    passage = [told("연차 휴가는 15일입니다. 신청은 3일 전까지 합니다.")]
    for answer in (
        "네, 연차 휴가는 30일이며, 신청은 3일 전까지 합니다.",
        "네, 연차 휴가는 30일입니다. 신청은 3일 전까지 합니다.",
    ):
        assert merely_agreed(answer, "연차 휴가는 30일 맞나요?", passage) == ["30"]


@pytest.mark.parametrize(
    ("question", "answer", "text"),
    [
        ("3년 근무하면 며칠인가요?", "3년 근무하면 17일입니다.", "2년 이상 근무하면 17일을 준다."),
        (
            "3년 근무하면 휴가를 받을 수 있나요?",
            "네, 3년 근무하면 받을 수 있습니다.",
            "2년 이상 근무하면 휴가를 받을 수 있다.",
        ),
        ("제7조의 연차는 며칠인가요?", "제7조에 따르면 연차는 15일입니다.", "연차는 15일로 한다."),
        ("연차 휴가는 30일 맞나요?", "30일이 아니라 15일입니다.", "연차 휴가는 15일입니다."),
        ("연차 휴가는 30일 맞나요?", "아니요, 연차 휴가는 30일이 아닙니다.", "연차 휴가는 15일입니다."),
        ("접수는 오후 6시까지인가요?", "네, 오후 6시까지입니다.", "접수는 9시부터 18시까지 한다."),
        ("교육비는 3만 5천 원인가요?", "네, 3만 5천 원입니다.", "품명: 교육비 · 단가(원): 35000"),
        ("월요일은 정기 휴무인가요?", "아니요, 월요일은 정기 휴무가 아닙니다.", "화요일은 정기 휴무입니다."),
    ],
)
def test_what_the_question_says_may_be_said_again(question: str, answer: str, text: str) -> None:
    assert merely_agreed(answer, question, [told(text)]) == []
    assert [citation.text for citation in cite(answer, question, [told(text)])] == [text]


def test_an_english_answer_that_only_agrees() -> None:
    leave = [told("Annual leave is 15 days."), told("Sick leave is 30 days.", name="y")]
    assert merely_agreed("Yes, annual leave is 30 days.", "Is annual leave 30 days?", leave) == ["30"]
    assert merely_agreed("Yes, sick leave is 30 days.", "Is sick leave 30 days?", leave) == []


def test_numbers_in_words_are_told_by_their_worth() -> None:
    assert cite("1억 2천만 원입니다.", "얼마인가요?", [told("예산은 120,000,000원으로 한다.")])
    assert cite("3만 5천원입니다.", "얼마인가요?", [told("교육비는 35,000원이다.")])
    assert not cite("3만 6천원입니다.", "얼마인가요?", [told("교육비는 35,000원이다.")])
    two = [told("교육비는 35,000원이다."), told("연차는 17일이다.", name="y")]
    assert len(cite("교육비는 3만 5천 원이고, 연차는 17일입니다.", "무엇을 주나요?", two)) == 2


def test_a_date_may_have_its_year_from_elsewhere() -> None:
    minutes = told("4월 13일에 다온군 시범 지점에 먼저 올린다.")
    (citation,) = cite("시범 지점에는 2026년 4월 13일에 올립니다.", "언제 올리나요?", [minutes])
    assert citation.n == 1
    assert cite("시범 지점에는 2026년 4월 14일에 올립니다.", "언제 올리나요?", [minutes]) == []
    other = told("2025년 4월 13일에 시범 지점에 올렸다.")
    assert cite("시범 지점에는 2026년 4월 13일에 올립니다.", "언제 올리나요?", [other]) == []


def test_what_an_elliptic_follow_up_puts_in_place_must_be_named() -> None:
    assert unmet_topic("그럼 출산휴가는요?", PASSAGES) is False, "휴가 is named"
    assert unmet_topic("그럼 안식년은요?", PASSAGES) is True
    assert unmet_topic("병가는요?", PASSAGES) is False
    assert unmet_topic("그럼 병가는 며칠이에요?", PASSAGES) is False, "a whole question"
    assert unmet_topic("안식년은 며칠인가요?", PASSAGES) is False, "a whole question is judged by the grader"


def test_what_no_sentence_supports_is_not_cited() -> None:
    assert cite("대표이사는 홍길동입니다.", "대표이사는 누구인가요?", PASSAGES) == []


def test_numbers_from_nowhere() -> None:
    assert stray_numbers("연차는 17일, 병가는 31일입니다.", [p.text for p in PASSAGES]) == ["31"]
    assert stray_numbers("3만 5천 원", ["35,000원"]) == []
    assert stray_numbers("2026-03-12", ["2026년 3월 12일"]) == []


@pytest.mark.parametrize(
    ("answer", "text", "stray"),
    [
        ("5℃입니다.", "보관 온도는 -5℃ 이하로 한다.", ["5"]),
        ("5도입니다.", "냉동고는 영하 5도에 둔다.", ["5"]),
        ("-5℃입니다.", "보관 온도는 5℃ 이하로 한다.", ["-5"]),
        ("영하 5도입니다.", "보관 온도는 5℃ 이하로 한다.", ["-5"]),
        ("-20도에서 -60도까지입니다.", "사용 온도: -20~60℃", ["-60"]),
        ("5 degrees.", "Keep it at -5°C.", ["5"]),
        ("5%입니다.", "증감률은 -5%이다.", ["5"]),
        ("영하 5도입니다.", "보관 온도는 −5℃ 이하로 한다.", []),
        ("-5도입니다.", "냉동고는 영하 5℃에 둔다.", []),
        ("영하 20도에서 15도 사이입니다.", "보관 | -20 ~ -15℃", []),
        ("-20~-15℃입니다.", "영하 20~15도에 둔다.", []),
        ("5도가 아니라 영하 5도입니다.", "보관 온도는 -5℃이다.", []),
        ("5% 감소했습니다.", "증감률은 -5%이다.", []),
        ("-5%입니다.", "매출이 5% 감소했다.", []),
        ("3일에서 5일 걸립니다.", "배송은 3 -5일 걸린다.", []),
        ("3-5일 걸립니다.", "배송은 3일에서 5일 걸린다.", []),
        ("- 5명\n-3명", "5명과 3명이 간다.", []),
        ("5명입니다.", "인원\n-5명", []),
        ("A-5입니다.", "기종 A-5는 영하 5도까지 견딘다.", []),
        ("2026-03-05입니다.", "2026년 3월 5일에 연다.", []),
        ("20~25℃입니다.", "적정 온도는 20℃-25℃이다.", []),
        ("2 to 8°C.", "Store at 2°–8°C.", []),
        ("02-123-4567입니다.", "담당은 김영하 02-123-4567이다.", []),
        ("10%.", "You get the deposit minus 10% for handling.", []),
        ("5% 내렸습니다.", "증감률은 -5%이다.", []),
        ("You owe 5 dollars.", "The balance is -5 dollars.", []),
        ("5% 줄였습니다.", "증감률은 -5%이다.", []),
        ("3명 모자랍니다.", "정원 대비 (-3명)", []),
        ("증감률은 -5%입니다.", "매출이 5% 축소되었다.", []),
        ("50,000원입니다.", "금액: -50,000 · 적요: 카드 결제", []),
        ("주차장은 -2층입니다.", "주차장은 지하 2층이다.", []),
        ("오후 5시입니다.", "17:00에 닫고 -5℃에 둔다.", []),
        ("5명입니다.", "다섯 명이 -5℃에서 일한다.", []),
    ],
)
def test_a_number_on_the_other_side_of_zero_is_stray(answer: str, text: str, stray: list[str]) -> None:
    assert stray_numbers(answer, [text]) == stray


def test_who_asks_how_much_less_needs_no_sign() -> None:
    sources = ["증감률은 -5%, 보관 온도는 -7℃이다.", "매출이 얼마나 줄었나요?"]
    assert stray_numbers("5%입니다.", sources) == []
    assert stray_numbers("7℃입니다.", sources) == ["7"]


def test_names_from_nowhere() -> None:
    assert stray_names("서울특별시청에서 합니다.", [p.text for p in PASSAGES]) == ["서울특별시청"]
    assert stray_names("진단서를 제출했습니다.", [p.text for p in PASSAGES]) == []
    assert stray_names("31일이 아니라 30일입니다.", [p.text for p in PASSAGES]) == []
    assert stray_names("회의실에는 5명까지 들어갑니다.", ["회의실 정원은 5명이고 들어갑니다."]) == []
    assert stray_names("플러그를 빼내야 하고, 기다려야 한다.", ["플러그를 뽑는다."]) == [], (
        "verbs are no names"
    )
    assert stray_names("무역분야 출신.", ["플러그를 뽑는다."]) == ["무역분야"]


def test_support_is_the_share_of_the_answers_own_words_found() -> None:
    assert support("17일입니다.", "연차 휴가는 며칠인가요?", PASSAGES) == 1.0
    assert support("홍길동", "대표이사는?", PASSAGES) == 0.0


def test_a_date_may_take_its_year_from_elsewhere_in_the_documents() -> None:
    minutes = ["회의록 2026-03-12: 4월 13일에 시범 지점에 올린다. 전체 배포는 5월이다."]
    assert stray_numbers("2026년 4월 13일입니다.", minutes) == []
    assert stray_numbers("2026년 4월 14일입니다.", minutes) == ["14", "2026-04-14"]
    assert stray_numbers("2025년 4월 13일입니다.", minutes) == ["2025", "2025-04-13"]
    assert stray_numbers("13 April 2026", ["In 2026 it opens on April 13."]) == []


def test_numbers_of_the_question_that_no_passage_names() -> None:
    text = "여울 740의 보증 기간은 30개월입니다."
    passages = [Passage(id="1", source="a.txt", heading="제품 설명서 > 10.1 보증", text=text)]
    assert unmet_numbers("여울 740의 보증 기간은 몇 개월인가요?", passages) == set()
    assert unmet_numbers("10.1절의 보증 기간은요?", passages) == set()
    assert unmet_numbers("여울 520의 보증 기간은 몇 개월인가요?", passages) == {520}
    assert unmet_numbers("여울의 보증 기간은?", []) == set()


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("이 규정은 2026. 3. 1.부터 시행한다.", "언제 시행하나요?", "2026년 3월 1일부터 시행됩니다."),
        ("워크숍은 2026. 3. 5.(목) 본관에서 연다.", "워크숍은 언제인가요?", "2026년 3월 5일에 열립니다."),
        ("워크숍은 2026. 3. 5.(목) 본관에서 연다.", "워크숍은 언제인가요?", "3월 5일입니다."),
        ("회의는 2026.3.5.에 연다.", "회의는 언제예요?", "2026년 3월 5일입니다."),
        ("접수는 '26.3.5.까지 받는다.", "접수는 언제까지예요?", "2026년 3월 5일까지입니다."),
        ("접수 기간: 2026.3.5.~3.20.", "접수는 언제까지예요?", "3월 20일까지입니다."),
        ("점심시간 12:00~13:00", "점심시간은 언제인가요?", "점심시간은 12시부터 13시까지입니다."),
        ("근무 시간은 09:00~18:00이다.", "근무 시간은?", "오전 9시부터 오후 6시까지입니다."),
        ("신청서는 두 부를 제출한다.", "신청서는 몇 부 내나요?", "2부를 제출합니다."),
        ("접수는 9. 30.까지 한다.", "접수는 언제까지인가요?", "9. 30.까지입니다."),
        ("정답은 ②번이다.", "정답은 몇 번인가요?", "②번입니다."),
        ("정답은 ①과 ③이다.", "정답은 무엇인가요?", "①과 ③입니다."),
        ("사흘 이내에 신고한다.", "며칠 안에 신고하나요?", "3일 이내에 신고합니다."),
        ("사진 네 장을 낸다.", "사진은 몇 장 내나요?", "네 장"),
        (
            "retry_sec: 45",
            "작업의 재시도 간격은 몇 초로 되어 있나요?",
            "작업의 재시도 간격은 45 초로 되어 있습니다.",
        ),
        ("두 번 헛걸음하면 취소된다.", "몇 번 못 만나면 취소되나요?", "두 번입니다."),
        ("담당은 온새미 과장이다.", "온새미 과장은 무엇을 하나요?", "온새미 과장"),
        ("할인율 10%", "할인율은 얼마인가요?", "10퍼센트입니다."),
        ("구분: 국내 숙박비 · 1박: 80,000원", "숙박비는 얼마인가요?", "1박당 8만 원입니다."),
        ("제12조제3항에 따라 환수한다.", "무슨 조항에 따라 환수하나요?", "제12조 제3항입니다."),
        ("기본공제 150만 원을 적용한다.", "기본공제는 얼마인가요?", "1,500,000원입니다."),
        ("접수는 2026. 3.15.까지 한다.", "접수는 언제까지인가요?", "3월 15일까지입니다."),
        ("연차는 팀장의 승인을 받는다.", "연차는 누구 승인을 받나요?", "팀장의 승인을 받아야 합니다."),
        ("안 사람은 즉시 보안팀에 신고한다.", "분실하면 어떻게 하나요?", "즉시 신고해야 합니다."),
        ("연차 휴가는 15일이다.", "연차는 며칠인가요?", "연차 휴가는 일반적으로 15일입니다."),
    ],
)
def test_the_same_in_another_form_is_no_fault(text: str, question: str, answer: str) -> None:
    sources = [f"규정: {text}", question]
    assert stray_numbers(answer, sources) == []
    assert stray_names(answer, sources) == []
    assert [citation.text for citation in cite(answer, question, [told(text)])] == [text]
    assert unmet_numbers(question, [told(text)]) == set()


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("직원은 반차를 쓸 수 있다.", "반차를 쓸 수 있나요?", "네."),
        ("직원은 반차를 쓸 수 있다.", "반차를 쓸 수 있나요?", "네, 쓸 수 있습니다."),
        ("직원은 반차를 쓸 수 있다.", "반차를 쓸 수 있나요?", "예, 가능합니다."),
        ("연차와 병가는 인사팀이 맡는다.", "휴가는 총무팀이 맡나요?", "아니요, 인사팀입니다."),
        ("식당은 주말에 운영하지 않는다.", "주말에 식당을 운영하나요?", "아니요."),
        ("식당은 주말에 운영하지 않는다.", "주말에 식당을 운영하나요?", "아니요, 운영하지 않습니다."),
        ("수습은 연차를 쓸 수 없다.", "수습도 연차를 쓰나요?", "아니오, 수습은 연차를 쓸 수 없습니다."),
    ],
)
def test_a_yes_or_a_no_is_cited(text: str, question: str, answer: str) -> None:
    assert stray_names(answer, [text, question]) == []
    assert [citation.text for citation in cite(answer, question, [told(text)])] == [text]
    assert not contradicts(answer, question, [told(text)])


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        ("직원은 반차를 사용할 수 있다.", "주차장을 쓸 수 있나요?", "네."),
        ("회의실은 주말에 사용할 수 없다.", "주말에 회의실을 사용할 수 있나요?", "네."),
        ("회의실은 주말에 사용할 수 없다.", "주말에 회의실을 사용할 수 있나요?", "네, 가능합니다."),
        ("직원은 반차를 사용할 수 있다.", "직원은 반차를 사용할 수 있나요?", "아니요."),
        ("대표는 이순신이다.", "대표가 김철수인가요?", "아니요, 박영희입니다."),
        ("신청은 인사팀이 받는다.", "신청은 총무팀이 받나요?", "아니요, 홍보팀입니다."),
    ],
)
def test_a_yes_or_a_no_that_the_documents_do_not_give_is_not_cited(
    text: str, question: str, answer: str
) -> None:
    assert cite(answer, question, [told(text)]) == []


def test_the_opposite_of_what_is_cited_is_seen() -> None:
    shown = [told("회의실은 주말에 사용할 수 없다.")]
    answer = "네, 주말에 회의실을 사용할 수 있습니다."
    assert contradicts(answer, "주말에 회의실을 사용할 수 있나요?", shown)
    assert not contradicts("아니요, 사용할 수 없습니다.", "주말에 회의실을 사용할 수 있나요?", shown)
    staff = [told("정규직은 신청할 수 있다.")]
    assert not contradicts("아니요, 계약직은 신청할 수 없습니다.", "계약직도 신청할 수 있나요?", staff)
    assert not contradicts("개봉한 상품은 환불할 수 없습니다.", "환불 규정", [told("상품은 환불할 수 있다.")])
    # Who asks for a when may be told what holds until then.
    assert not contradicts(answer, "언제 회의실을 사용할 수 있나요?", shown)


def test_an_hour_of_the_other_half_of_the_day_is_no_count_of_people() -> None:
    sources = ["근무 시간은 09:00~18:00이다."]
    assert stray_numbers("오후 6시까지입니다.", sources) == []
    assert stray_numbers("6명입니다.", sources) == ["6"]
    assert stray_numbers("오후 9시부터 오전 6시까지입니다.", sources) == ["6"]
    assert stray_numbers("오전 3시입니다.", ["회의는 15:00에 시작한다."]) == ["3"]
    assert stray_numbers("오후 3시입니다.", ["회의는 15:00에 시작한다."]) == []
    assert stray_numbers("21시입니다.", ["회의는 오전 9시에 시작한다."]) == ["21"]
    assert stray_numbers("15시입니다.", ["회의는 3시에 시작한다."]) == []


@pytest.mark.parametrize("said", ["1억 2,000만 원입니다.", "120,000천 원입니다.", "120,000,000원입니다."])
def test_a_table_in_thousands_is_read_in_thousands(said: str) -> None:
    budget = told("총 예산 | 120,000", "사업 예산 (단위: 천원)")
    sources = ["사업 예산 (단위: 천원): 총 예산 | 120,000"]
    assert stray_numbers(said, sources) == []
    assert [c.text for c in cite(said, "총 예산은 얼마인가요?", [budget])] == ["총 예산 | 120,000"]
    assert stray_numbers("120,000원입니다.", sources) == ["120000"]
    assert stray_numbers("120,000원입니다.", [*sources, "회비는 120,000원이다."]) == []
    mixed = ["수수료는 건당 500원이다. 아래 표 (단위: 명, 천원) 인건비 | 120,000"]
    assert stray_numbers("500원입니다.", mixed) == []
    assert stray_numbers("120,000원입니다.", mixed) == ["120000"]


def test_a_number_of_another_unit_is_not_cited() -> None:
    shown = [told("손톱은 2mm를 넘지 않게 깎는다. 고양이 네 마리가 산다.")]
    assert cite("4mm입니다.", "손톱은 몇 mm를 넘지 않게 깎나요?", shown) == []
    both = [told("막대는 4개이다.", "손톱 깎기"), told("손톱은 4mm를 넘지 않게 깎는다.", name="y")]
    citations = cite("4mm입니다.", "손톱은 몇 mm를 넘지 않게 깎나요?", both)
    assert [citation.source for citation in citations] == ["y"]


def test_one_of_something_need_not_be_written() -> None:
    assert unmet_numbers("건강검진은 1년에 몇 번인가요?", [told("건강검진은 연 2회 한다.")]) == set()
    assert unmet_numbers("3년 차는 며칠인가요?", [told("연차는 15일이다.")]) == {Fraction(3)}


@pytest.mark.parametrize(
    ("question", "answer", "again"),
    [
        ("온새미두부 계약 4단계 매장 꾸밈 납기", "4단계 매장 꾸밈 납기", True),
        ("연차 휴가는 며칠인가요?", "연차 휴가입니다.", True),
        ("연차 휴가는 며칠인가요?", "연차 휴가는 15일입니다.", False),
        ("반차를 쓸 수 있나요?", "반차를 쓸 수 있습니다.", False),
        ("여비는 국내와 해외 중 어느 쪽이 많은가요?", "해외입니다.", False),
        ("대표이사 승인이 필요한 계약의 최종 승인자는 누구인가요?", "대표이사입니다.", False),
        ("담당 부서가 어디인가요?", "총무팀입니다.", False),
        ("숲 체험은 한 달에 몇 번 가나요?", "한 달에 두 번", False),
        ("연차 휴가는 며칠인가요?", "① 연차 휴가", True),
        ("What is the fee for the gym?", "The fee for the gym.", True),
        ("What's the deadline for the reports?", "The report's deadline.", True),
        ("When does the gym open?", "The gym opens.", True),
        ("How many days of annual leave do new employees get?", "Annual leave days.", True),
        ("What is the fee for the gym?", "The fee for the gym is 30 dollars.", False),
        ("What is the fee for the free gym?", "Free.", False),
        ("How much of the full fee is paid back?", "The full fee.", False),
        ("When is the Monday meeting?", "Monday.", False),
        ("What is the size of the large box?", "Large.", False),
        ("What is the name of the Gym Tower gym?", "Gym Tower.", False),
        ("who is head of the design team", "The design team head.", False),
        ("What happens when the gym closes?", "The gym closes.", False),
        ("What time zone does the Seoul office use?", "Seoul time.", False),
    ],
)
def test_an_answer_that_only_repeats_the_question_is_none(question: str, answer: str, again: bool) -> None:
    assert repeats(answer, question) is again
