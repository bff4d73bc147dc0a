from reports import outcome, report_of

from evals.compare import compare
from evals.markdown import MAX_CELL_CHARS, markdown, plain


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
    faults = text.partition("틀린 질문")[2]
    assert "q\\-2" in faults and "18일입니다" in faults and "q\\-1" not in faults
    assert "근거 확률의 AUC" not in text  # nothing was to be refused
