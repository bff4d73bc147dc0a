from reports import outcome, report_of

from evals.compare import compare
from evals.markdown import MAX_CELL_CHARS, markdown, plain
from evals.measures import UNGRADED


def test_text_that_would_be_markup_is_shown() -> None:
    assert plain("a|b\n# *c* <b>") == r"a\|b \# \*c\* &lt;b&gt;"
    assert plain("[글](http://x) `y`") == r"\[글\]\(http:&#47;&#47;x\) \`y\`"
    assert plain("www.x.kr a@b.kr &lt;") == "www&#46;x.kr a&#64;b.kr &amp;lt;"
    assert plain("a\x00\u2028b") == "a b"
    assert len(plain("가" * 500)) == MAX_CELL_CHARS + 1


def test_every_table_row_has_as_many_cells_as_its_head() -> None:
    evil = "a | b\n| c |\n\n<script>"
    outcomes = [
        outcome(f"q-{evil}", kind=evil, question=evil, answer=evil, golds=[evil], refused=True, reason=evil),
        outcome("q-2", answer="18일입니다. [1]"),
        outcome("q-2", system="plain"),
        outcome("q-3", error=evil),
    ]
    report = report_of(outcomes, suite=evil, interrupted=True)
    other = report_of([outcome("q-2")], model="x|y")
    text = markdown(report, [compare(other, report, names=(evil, "this"))])
    assert "<script" not in text and "중단된" in text
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) >= 7
    for block in blocks:
        widths = {line.replace(r"\|", "").count("|") for line in block if line}
        assert len(widths) == 1, block


def test_it_says_what_changed_and_what_went_wrong() -> None:
    report = report_of(
        [outcome("q-1"), outcome("q-2", answer="18일입니다. [1]"), outcome("q-3", system="plain")]
    )
    other = report_of([outcome("q-1", answer="모름"), outcome("q-2")])
    text = markdown(report, [compare(other, report)])
    assert "| \\+0.00 | – | 0 | 0 | 2 |  |" in text  # no interval of the seconds of two questions
    assert "이제 맞음 (1): q\\-1" in text and "이제 틀림 (1): q\\-2" in text
    faults = text.partition("인용이 어긋난 질문")[2]
    assert "q\\-2" in faults and "18일입니다" in faults and "q\\-1" not in faults
    assert "| 틀림, 인용이 뒷받침하지 않음 |" in faults
    assert "근거 확률의 AUC" not in text  # nothing was to be refused


def test_a_right_answer_that_its_citation_does_not_carry_went_wrong_too() -> None:
    half = outcome("q-1", answer="연차는 17일입니다. [1] 병가는 30일입니다. [1]")
    faults = markdown(report_of([half, outcome("q-2")])).partition("인용이 어긋난 질문")[2]
    assert "| 맞음, 인용이 뒷받침하지 않음 |" in faults and "q\\-2" not in faults


def test_no_share_right_where_some_answers_cannot_be_judged() -> None:
    outcomes = [outcome("q-1", golds=()), outcome("q-2", kind="none", answerable=False, refused=True)]
    text = markdown(report_of(outcomes))
    assert "| graph | 전체 | 2 | \\- |" in text and "| graph | none | 1 | 1.000±.490 |" in text
    assert plain(UNGRADED) in plain(text, max_chars=len(text))
    assert "정답을 적어 두지 않은" not in markdown(report_of(outcomes[1:]))
