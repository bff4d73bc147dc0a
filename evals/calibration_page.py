"""A calibration's report as one HTML file that opens offline: no script, nothing fetched."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from app.markup import Markup, document, style, tag
from evals.calibration_figures import ALL, curve_of
from evals.calibration_report import SIDES
from evals.measures import number_text
from evals.metrics.calibration import bins
from evals.metrics.standard_error import Estimate
from evals.plots import calibration, risk_against_coverage
from evals.policy import Decisions

_KOREAN = {"before": "전 (쓰던 문턱값)", "after": "후 (교차 검증)"}
_SIGNALS = {
    "grade": "판정 한 토큰",
    "coverage": "겹침",
    "dense": "뜻 유사도",
    "missing": "질문의 숫자가 없음",
    "reader": "읽기 모델",
    "evidence before": "근거 확률, 전",
    "evidence after": "근거 확률, 후",
}
_LOOKS = {"narrow": "좁게", "wide": "넓게", "last": "마지막"}


def page(
    figures: Mapping[str, Any],
    before: Decisions,
    after: Decisions,
    *,
    spec: str,
    before_on: str,
    after_on: str,
    date: str,
    policy: str,
    stored: bool = True,
) -> str:
    """The page. `before_on` and `after_on` say on which questions the two were fitted."""
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    title = f"문턱값 맞추기: {spec}"
    # Nothing but the page's own style sheet.
    digest = b64encode(sha256(css.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=allowed),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        style(css),
    )
    body = [
        tag("h1", title),
        tag("p", f"질문 {figures['questions']}개 · {date}", class_="about"),
        tag("p", f"전: {before_on or '알 수 없음'}"),
        tag("p", f"후: {after_on}"),
        *([] if stored else [tag("p", "새로 맞춘 값이 쓰던 값에 못 미쳐 저장하지 않았습니다.")]),
        tag(
            "p",
            "“후”의 수치는 모두 교차 검증한 것입니다. 어떤 질문도 자신이나 같은 파일(같은 단락)의 질문으로 "
            "맞춘 값으로 판단하지 않았습니다.",
            class_="soft",
        ),
        tag("div", *_plots(before, after), class_="plots"),
        tag("h2", "균형 정확도 (± 표준오차 하나)"),
        _balanced(figures),
        tag("h2", "신호가 가른 정도 (AUC ± 표준오차 하나)"),
        _aucs(figures),
        tag("h2", "맞춘 값"),
        tag("pre", policy),
    ]
    return document(tag("html", head, tag("body", tag("main", *body)), lang="ko"))


def _plots(before: Decisions, after: Decisions) -> Iterator[Markup]:
    made = dict(zip((_KOREAN[side] for side in SIDES), (before, after), strict=True))
    curves = {name: curve_of(one) for name, one in made.items()}
    probabilities = {name: bins(one.evidence.tolist(), one.holds.tolist()) for name, one in made.items()}
    figures = [
        (
            "위험과 답한 비율 (risk against coverage)",
            "근거 확률이 높은 질문부터 답할 때 근거 없이 답한 비율. 낮을수록 좋습니다.",
            risk_against_coverage("risk", curves, list(curves), title="위험과 답한 비율"),
        ),
        (
            "근거 확률의 보정 (calibration)",
            "읽은 단락에 답이 있던 비율. 대각선에 가까울수록 확률을 믿을 수 있습니다. 숫자는 질문 수입니다.",
            calibration("calibration", probabilities, title="근거 확률의 보정"),
        ),
    ]
    for title, caption, figure in figures:
        if figure:
            yield tag("figure", tag("figcaption", title, tag("small", caption)), figure)


def _balanced(figures: Mapping[str, Any]) -> Markup:
    lines = [
        _line(
            (suite, "전체" if kind == ALL else kind),
            (str(row["n"]), *(_text(row[side]) for side in SIDES)),
            last=kind == ALL,
        )
        for suite, rows in figures["balanced"].items()
        for kind, row in rows.items()
    ]
    for name, key in (("모든 질문 묶음과 종류를 똑같이", "overall"), ("보정 오차", "calibration_error")):
        cells = (str(figures["questions"]), *(_text(figures[key][side]) for side in SIDES))
        lines.append(_line(("", name), cells))
    wider = tuple(number_text(figures["widened"][side]) for side in SIDES)
    lines.append(_line(("", "넓게 읽은 비율"), ("", *wider)))
    return _scrolled(("질문 묶음", "종류"), ("질문", *_KOREAN.values()), lines)


def _aucs(figures: Mapping[str, Any]) -> Markup:
    lines = [
        _line((suite, _SIGNALS[signal]), [_text(looks[look]) if look in looks else "" for look in _LOOKS])
        for suite, rows in figures["auc"].items()
        for signal, looks in rows.items()
    ]
    return _scrolled(("질문 묶음", "신호"), list(_LOOKS.values()), lines)


def _line(words: Sequence[str], cells: Sequence[str], *, last: bool = False) -> Markup:
    return tag(
        "tr",
        *(tag("td", word, class_="words") for word in words),
        *(tag("td", cell, class_="number") for cell in cells),
        class_="sum" if last else None,
    )


def _scrolled(words: Sequence[str], numbers: Sequence[str], lines: Sequence[Markup]) -> Markup:
    head = tag(
        "tr", *(tag("th", word, class_="words") for word in words), *(tag("th", name) for name in numbers)
    )
    return tag("div", tag("table", tag("thead", head), tag("tbody", *lines)), class_="scroll")


def _text(estimate: Mapping[str, Any]) -> str:
    found = Estimate(**estimate)
    if found.value is None:
        return "–"
    error = "" if found.error is None else f" ±{number_text(found.error)}"
    return f"{number_text(found.value)}{error}"
