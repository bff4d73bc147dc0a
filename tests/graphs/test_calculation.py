"""When arithmetic is suspected, and how the model's plan for it is read."""

import pytest

from graphs.calculation import (
    Plan,
    below_nothing,
    gives,
    grounded_operands,
    has_own_quantity,
    may_calculate,
    read_plan,
    sides,
    surely_calculates,
    turned,
    unsupported,
    with_dates,
    with_scales,
    with_years,
    written,
)


@pytest.mark.parametrize(
    "question",
    [
        "의자 3대를 사면 얼마인가요?",
        "매출이 작년보다 얼마나 늘었나요?",
        "A형이 B형보다 얼마나 비싼가요?",
        "3월 5일부터 4월 10일까지는 며칠인가요?",
        "1월과 2월의 매출을 더하면?",
        "4일이면 출장비는 얼마인가요?",
        "전체의 몇 퍼센트인가요?",
        "What is that person's age in days?",
        "How much do 5 units cost?",
        "하루 20쪽씩 5일이면 몇 쪽?",
        "세 대 사면 몇 위안입니까?",
        "셋이서 이틀 가면 일비는 얼마예요?",
        "둘이 들으면 재료비는 얼마 들어요?",
    ],
)
def test_a_question_that_computes(question: str) -> None:
    assert may_calculate(question)


@pytest.mark.parametrize(
    "question",
    [
        "연차 휴가는 며칠인가요?",
        "단가는 얼마인가요?",
        "7월 1일에는 무엇을 하나요?",
        "대표이사는 누구인가요?",
        "Who directed the film?",
        "너울골 마을버스 3번의 첫차는 몇 시에 떠나나요?",
        "회의실 2개는 몇 층에 있나요?",
        "베트남은 어떤 지하철 노선이 있는가?",
    ],
)
def test_a_question_that_only_looks_up(question: str) -> None:
    assert not may_calculate(question)


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("CALC: 45000 * 4", Plan(expression="45000 * 4")),
        ("```\ncalc: 45000 * 4 = 180000\n```", Plan(expression="45000 * 4")),
        ('FIND: "Nolan date of birth"', Plan(lookup="Nolan date of birth")),
        ("The answer is 180000.", Plan()),
        ("CALC: 54,000", Plan()),
        ("", Plan()),
    ],
)
def test_reading_a_plan(text: str, plan: Plan) -> None:
    assert read_plan(text) == plan


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("CALC: 24000 * 2 + 24", ""),
        ("CALC: 24000 * 2\nThat is 24", "24000 * 2"),
        ("CALC: 24000 * 2 = 48", "24000 * 2"),
        ("```\nCALC: 24000 * 2 + 24", ""),
    ],
)
def test_an_expression_that_was_cut_off_is_none(text: str, expression: str) -> None:
    assert read_plan(text, truncated=True).expression == expression
    assert read_plan(text).expression


@pytest.mark.parametrize(
    ("expression", "strange"),
    [
        ("45000 * 4", []),
        ("45000 * 8", ["8"]),
        ("45,000 * 12", []),
        ("35000 + 45000", []),
        ("0.15 * 45000", []),
        ("45000 * 4 * 0.85", []),
        ("45000 * 85 / 100", []),
        ("45000 * 1.15", []),
        ("45000 * 0.75", ["0.75"]),
        ("45000 * 1.25", ["1.25"]),
        ("days_between(2026-03-12, 2026-04-20)", []),
        ("days_between(2026-03-12, 2027-04-20)", ["2027-04-20"]),
    ],
)
def test_numbers_from_nowhere_are_named(expression: str, strange: list[str]) -> None:
    sources = [
        "출장비는 하루 45,000원, 4일까지. 할인율 15%. 숙박비 3만 5천 원.",
        "2026년 3월 12일 회의, 2026. 4. 20. 배포",
    ]
    assert unsupported(expression, sources) == strange


def test_today_is_no_operand_though_its_year_stands_in_the_documents() -> None:
    sources = ["2026년 규정: 이자는 연 2.4%다.", "2,000만 원을 빌리면 1년 이자는?"]
    assert not grounded_operands("2026-11-22 - 2026-11-22", sources, 2026)
    assert grounded_operands("20000000 * 2.4 / 100", sources, 2026)
    assert grounded_operands("days_between(2026-03-12, 2026-11-22)", ["2026년 3월 12일 회의"], 2026)
    assert grounded_operands("sum(1500, 30, 20)", ["1500원과 30원과 20원"], 2026)


def test_what_may_be_a_unit_s_factor_counts_where_all_else_is_said() -> None:
    sources = ["식대는 하루 1만 원이다.", "2명이 하루 다녀오면 식대는 얼마인가요?"]
    assert grounded_operands("10000 * 2", sources, 2026)
    assert not grounded_operands("10000 * 7", sources, 2026)
    assert not grounded_operands("60", ["60분"], 2026)


def test_an_operand_may_be_written_in_words() -> None:
    assert unsupported("600 - 210", ["10시간이면 끊긴다: 600분", "3시간 30분 됐으면 몇 분 남았나요?"]) == []
    assert unsupported("54000 * 3", ["일비는 54,000원이다.", "사흘 다녀오면 일비는 얼마예요?"]) == []


def test_a_day_without_its_year_is_of_one_that_is_named() -> None:
    expression = "add_days(2026-04-10, 14)"
    sources = ["이의는 통지를 받은 날부터 14일 안에 낸다.", "4월 10일에 받았으면 언제까지 내나요?"]
    assert unsupported(expression, [*sources, "2026-11-22"]) == []
    assert unsupported(expression, sources) == ["2026-04-10"]
    assert grounded_operands(expression, [*sources, "2026-11-22"], 2026)


CONTRACT = ["1단계 납기는 4월 30일, 2단계 납기는 6월 12일이다."]


@pytest.mark.parametrize(
    ("sources", "year"),
    [
        (CONTRACT, 2026),
        (["2025년도 용역 계약", *CONTRACT], 2025),
        (["계약일 2025. 3. 2.", *CONTRACT], 2025),
        (["2024년 계약을 2025년에 잇는다.", *CONTRACT], 2026),
        # The model's is one of those that are named.
        (["2023년에서 2031년까지의 계약", *CONTRACT], 2031),
    ],
)
def test_a_made_up_year_of_days_without_one_is_mended(sources: list[str], year: int) -> None:
    mended = with_years("days_between(2031-04-30, 2031-06-12)", sources, 2026)
    assert mended == f"days_between({year}-04-30, {year}-06-12)"
    assert grounded_operands(mended, sources, 2026)
    assert unsupported(mended, [*sources, "2026-11-22"]) == []


CLOSED = "휴관은 12월 20일부터 1월 10일까지다."


@pytest.mark.parametrize(
    ("expression", "sources", "mended"),
    [
        # Over the end of a year.
        ("days_between(2026-12-20, 2027-01-10)", [CLOSED], ""),
        ("days_between(2023-12-20, 2024-01-10)", [CLOSED], "days_between(2026-12-20, 2027-01-10)"),
        ("days_between(2026-12-20, 2027-01-10)", ["2026년 12월 20일부터 1월 10일까지"], ""),
        ("days_between(2026-11-22, 2027-01-10)", ["접수는 1월 10일까지다."], ""),
        # The year of today is not made up, and that of the rule is not the asker's.
        (
            "add_days(2026-04-10, 14)",
            ["2019년에 만든 규정: 14일 안에", "4월 10일에 받았으면 언제까지 내나요?"],
            "",
        ),
    ],
)
def test_a_year_that_is_meant_stays(expression: str, sources: list[str], mended: str) -> None:
    assert with_years(expression, sources, 2026) == (mended or expression)
    assert grounded_operands(mended or expression, sources, 2026)
    assert unsupported(mended or expression, [*sources, "2026-11-22"]) == []


@pytest.mark.parametrize(
    ("expression", "sources", "mended"),
    [
        ("days_between(2025-12-20, 2026-11-22)", ["작년 12월 20일부터"], ""),
        ("days_between(2026-11-22, 2027-12-10)", ["내년 12월 10일까지"], ""),
        ("days_between(today(), 2027-01-10)", ["1월 10일까지"], ""),
        ("days_between(2026-11-22, 2027-04-30)", ["2026년 계약", *CONTRACT], "days_between(2026-11-22, 2026-04-30)"),
        ("0999-04-31 + 0999-05-01", CONTRACT, ""),
    ],
)  # fmt: skip
def test_the_year_beside_may_be_meant(expression: str, sources: list[str], mended: str) -> None:
    assert with_years(expression, sources, 2026) == (mended or expression)


def test_a_date_that_stands_nowhere_keeps_its_year() -> None:
    made_up = "days_between(2031-05-01, 2031-06-13)"
    assert with_years(made_up, CONTRACT, 2026) == made_up
    assert not grounded_operands(made_up, CONTRACT, 2026)
    assert with_years("43 * 2024", CONTRACT, 2026) == "43 * 2024"


def test_a_date_in_parts_is_looked_up_as_any_other() -> None:
    sources = ["2026년 3월 12일부터 2026년 11월 22일까지, 일비는 35000원"]
    expression = with_dates("days_between(date(2026,3,12), date(2026, 11, 22))", sources)
    assert expression == "days_between(2026-03-12, 2026-11-22)"
    assert grounded_operands(expression, sources, 2026) and unsupported(expression, sources) == []
    made_up = with_dates("age_days(2031, 1, 1) * 35000", sources)
    assert made_up == "age_days(2031-01-01) * 35000" and unsupported(made_up, sources) == ["2031-01-01"]
    assert with_dates("sum(1500, 3, 2)", sources) == "sum(1500, 3, 2)"


@pytest.mark.parametrize(
    ("question", "surely"),
    [
        ("절판된 책은 정가의 몇 배를 내나요?", False),
        ("청소년 동아리는 몇 퍼센트 할인해 주나요?", False),
        ("셋이서 이틀 가면 일비는 얼마예요?", True),
        ("7일 연체하면 연체료는 얼마예요?", True),
        ("마감까지 며칠 남았나요?", True),
        ("How many days are left until the deadline? The days until then?", True),
        ("둘의 차이는 몇 퍼센트인가요?", True),
    ],
)
def test_what_is_surely_not_written_as_it_is_asked(question: str, surely: bool) -> None:
    assert surely_calculates(question) is surely


@pytest.mark.parametrize(
    ("result", "calculation", "expression", "shown"),
    [
        ("1260000", "a = 1,260,000", "a", "1,260,000"),
        ("8.878504672897196", "a ≈ 8.8785", "a", "8.8785"),
        ("0.125", "a = 0.125", "a", "0.125"),
        ("2026-05-03", "a = 2026-05-03", "a", "2026-05-03"),
    ],
)
def test_a_calculation_is_written_and_read_again(
    result: str, calculation: str, expression: str, shown: str
) -> None:
    assert written("a", result) == calculation
    assert sides(calculation) == (expression, shown)


def test_no_calculation_has_no_sides() -> None:
    assert sides("") == ("", "")


@pytest.mark.parametrize(
    ("answer", "result", "expected"),
    [
        ("모두 1,260,000원입니다.", "1,260,000", True),
        ("126만 원입니다.", "1,260,000", True),
        ("1,260,001원입니다.", "1,260,000", False),
        ("약 8.9%입니다.", "8.8785", True),
        ("약 9%입니다.", "8.8785", True),
        ("8.8%입니다.", "8.8785", False),
        ("12.4입니다.", "12", False),
        ("2026년 5월 3일입니다.", "2026-05-03", True),
        ("2026년 5월 4일입니다.", "2026-05-03", False),
    ],
)
def test_an_answer_gives_a_result_as_it_is_or_rounded(answer: str, result: str, expected: bool) -> None:
    assert gives(answer, result) is expected


def test_a_figure_by_itself_is_no_calculation() -> None:
    assert read_plan("CALC: 96%").expression == ""
    assert read_plan("CALC: -3").expression == ""
    assert read_plan("CALC: 96% * 50").expression == "96% * 50"
    assert read_plan("CALC: age_days(1970-07-30)").expression == "age_days(1970-07-30)"


def test_a_difference_is_turned_round_for_who_asks_how_far_apart() -> None:
    question = "두 값의 차이는 얼마인가요?"
    assert turned("5 - 12", question) == turned("5-12", question) == "12 - 5"
    forward = turned("days_between(2026-05-01, 2026-04-01)", question)
    assert forward == "days_between(2026-04-01, 2026-05-01)"
    assert turned("5 - 3 - 9", question) == turned("5 + 3", question) == ""
    assert turned("days_between(today(), 2026-04-01)", question) == ""
    assert turned("5 - 12", "마감까지 며칠 남았나요?") == ""


def test_what_the_documents_say_word_for_word_is_no_quantity_of_the_asker() -> None:
    question = "당면 14kg 우수단가는 얼마인가요?"
    assert has_own_quantity(question, []) and surely_calculates(question)
    assert not has_own_quantity(question, ["당면 14kg · 우수단가: 54,600"])
    assert not surely_calculates(question, ["당면 14kg · 우수단가: 54,600"])
    assert surely_calculates("3대를 사면 얼마인가요?", ["1대: 5,000원"])
    assert has_own_quantity("2개 사면 얼마예요?", ["가격은 8,000원, 12개월 할부"])
    assert not has_own_quantity("두 명이 가면 얼마예요?", ["2인 요금은 8,000원"])
    assert not has_own_quantity("제12조의 과태료는 얼마인가요?", [])
    assert has_own_quantity("셋이서 가면 얼마예요?", ["1인 요금은 8,000원"])


def test_what_something_is_or_costs_is_not_less_than_nothing() -> None:
    assert below_nothing(-98_600_000, "착수금은 얼마입니까?")
    assert below_nothing(-3, "How many nights are booked?")
    assert not below_nothing(0, "착수금은 얼마입니까?")
    assert not below_nothing(98_600_000, "착수금은 얼마입니까?")
    for question in (
        "마감까지 며칠 남았나요?",
        "3월의 손익은 얼마인가요?",
        "얼마나 늘었나요?",
        "몇 퍼센트 증가했나요?",
        "수입에서 지출을 빼면 얼마인가요?",
        "접수 마감까지 며칠인가요?",
        "By how many did it decrease?",
        "What is the net change?",
    ):
        assert not below_nothing(-3, question)


@pytest.mark.parametrize(
    ("expression", "source", "scaled"),
    [
        ("7200 * 1.5%", "한 분기에 7,200만 원어치를 샀다.", "72000000 * 1.5%"),
        ("3.5 + 1.2", "3.5억 원과 1.2억 원", "350000000 + 120000000"),
        # It has the scale itself.
        ("7200 * 10000 * 1.5%", "7,200만 원어치", "7200 * 10000 * 1.5%"),
        ("7200만 * 1.5%", "7,200만 원어치", "7200만 * 1.5%"),
        ("72000000 * 1.5%", "7,200만 원어치", "72000000 * 1.5%"),
        # The figure stands for something else, or for one of two.
        ("3 * 5000", "3만 원 이상은 3개까지, 한 개에 5,000원", "3 * 5000"),
        ("3 * 5000", "3만 원과 3억 원, 한 개에 5,000원", "3 * 5000"),
        ("41 + 2", "매출은 41억 3,000만 원", "41 + 2"),
        # A number of months, of pieces, and what makes per cent of a share.
        ("20000 * 12", "월 회비는 20,000원, 가입비는 12만 원", "20000 * 12"),
        ("12000 * 3", "3만 원 이상은 무료, 세 개를 사면", "12000 * 3"),
        ("31 / 40 * 100", "예산 100만 원", "31 / 40 * 100"),
        ("days_between(2026-03-05, 2026-04-10)", "3만 원", "days_between(2026-03-05, 2026-04-10)"),
    ],
)
def test_a_figure_that_lost_its_word_of_scale_gets_it_back(expression: str, source: str, scaled: str) -> None:
    assert with_scales(expression, [source]) == scaled
