from typing import Any

import pytest
from reports import ABOUT, outcome, report_of

from evals.html import html
from evals.markdown import markdown
from evals.provenance import Told, half_line, provenance
from evals.screen import notes

SHIPPED = 'KorQuAD, half "fit" <b>'


def report(*, seen: int | None, part: str | None = "report", aside: int = 43) -> dict[str, Any]:
    half = {None: 207, "fit": 115, "report": 49}[part]
    settings = ABOUT["settings"] | {"calibration": {"fitted_on": SHIPPED}}
    asked = {"part": part, "suite": 207, "half": half, "aside": aside, "asked": 40, "seen": seen}
    return report_of([outcome("q-1")], settings=settings, asked=asked)


def test_a_line_tells_which_half_was_asked_and_how_many_are_in_neither() -> None:
    assert half_line(report(seen=0)["asked"], "en") == (
        'Part: "report", 49 of the suite\'s 207 questions. '
        'In neither half: 43, which share an article or a passage with the half "fit".'
    )
    assert half_line(report(seen=0, part="fit", aside=0)["asked"], "en") == (
        'Part: "fit", 115 of the suite\'s 207 questions.'
    )
    assert half_line(report(seen=0, part=None)["asked"], "en") == (
        "Part: the whole suite (207 questions), not one half of it."
    )
    assert half_line(report(seen=0)["asked"], "ko") == (
        "물은 쪽: 보고 쪽(report), 모음의 질문 207개 가운데 49개. "
        "맞춤 쪽과 같은 글이나 단락에 기댄 43개는 어느 쪽에도 넣지 않았습니다."
    )


def test_a_line_tells_whether_the_calibration_in_use_had_seen_them() -> None:
    assert provenance(report(seen=3), "en")[1] == Told(
        text="Warning: the calibration in use was fitted on 3 of the 40 questions asked: "
        "figures over them are flattered.",
        warns=True,
    )
    assert provenance(report(seen=0), "en")[1] == Told(
        text="The calibration in use was fitted on none of the questions asked."
    )
    unlisted = provenance(report(seen=None), "en")[1]
    assert unlisted.text.startswith("The calibration in use keeps no list") and not unlisted.warns
    assert unlisted.text.endswith(SHIPPED)


@pytest.mark.parametrize("seen", [None, 0, 3])
def test_screen_markdown_and_page_tell_both(seen: int | None) -> None:
    made = report(seen=seen)
    assert list(notes(made, salted=False))[:2] == [told.text for told in provenance(made, "en")]
    text, page = markdown(made), html(made)
    assert "보고 쪽\\(report\\)" in text and "207개 가운데 49개" in page
    assert ('class="warning"' in page) is ("\n**주의" in text) is (seen == 3)
    if seen is None:
        assert "half &quot;fit&quot; &lt;b&gt;" in page or 'half "fit" &lt;b&gt;' in page
        assert 'half "fit" &lt;b&gt;' in text


def test_a_report_of_before_is_shown_without_them() -> None:
    old = report_of([outcome("q-1")])
    assert provenance(old, "ko") == [] and "물은 쪽" not in markdown(old) + html(old)
