import xml.etree.ElementTree as ET

from evals.metrics.calibration import Bin
from evals.metrics.risk import Point
from evals.metrics.standard_error import Estimate
from evals.plots import CostPoint, accuracy_against_cost, calibration, risk_against_coverage

SVG = "{http://www.w3.org/2000/svg}"


def figure(markup: str) -> ET.Element:
    """The plot, which must be well-formed; its legend comes after it."""
    svg, end, _ = markup.partition("</svg>")
    return ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + end)


def described(svg: ET.Element) -> str:
    assert svg.get("role") == "img"
    title, description = svg[0], svg[1]
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    return description.text or ""


def cost_point(system: str, kind: str, right: float, seconds: float) -> CostPoint:
    return CostPoint(
        system=system, kind=kind, accuracy=Estimate(right, 0.1, 12), cost=Estimate(seconds, 1.0, 12)
    )


def test_accuracy_against_cost() -> None:
    points = [
        cost_point("graph", "<easy>", 1.0, 5.0),
        cost_point("graph", "", 0.5, 8.0),
        cost_point("plain", "", 0.25, 12.0),
    ]
    made = accuracy_against_cost("c", points, title="정확도", unit="초")
    svg = figure(made)
    assert described(svg) == "graph: 50.0%, 8 초; plain: 25.0%, 12 초"
    assert len(svg.findall(f"{SVG}circle")) == 2 and len(svg.findall(f"{SVG}rect")) == 1
    tips = [tip.text for tip in svg.findall(f"{SVG}circle/{SVG}title")]
    assert tips == ["graph · <easy>: 100.0%, 5 초 (n=12)", "graph · 전체: 50.0%, 8 초 (n=12)"]
    bars = [line for line in svg.findall(f"{SVG}line") if line.get("class", "").startswith("bar")]
    assert len(bars) == 4
    assert "graph</li>" in made and "plain</li>" in made


def test_costs_of_nothing_and_no_points() -> None:
    free = accuracy_against_cost("c", [cost_point("graph", "", 0.5, 0.0)], title="", unit="토큰")
    assert figure(free) is not None
    unknown = CostPoint(system="g", kind="", accuracy=Estimate(None, None, 0), cost=Estimate(1.0, None, 1))
    assert accuracy_against_cost("c", [unknown], title="", unit="") == ""


def test_risk_against_coverage() -> None:
    curve = [
        Point(evidence=0.9, coverage=0.25, risk=0.0, answered=1),
        Point(evidence=0.5, coverage=0.5, risk=0.5, answered=2),
    ]
    fixed = [Point(evidence=0.0, coverage=1.0, risk=0.75, answered=4)]
    curves = {"graph": curve, "silent": [], "plain": fixed}
    svg = figure(made := risk_against_coverage("r", curves, ["graph", "silent", "plain"], title="위험"))
    assert (
        described(svg)
        == "graph: 50.0%에 답하고 그 가운데 50.0%가 틀림; plain: 100.0%에 답하고 그 가운데 75.0%가 틀림"
    )
    assert len(svg.findall(f"{SVG}polyline")) == 2 and "silent" not in made
    # Colour and shape of a system are the same in every plot.
    assert svg.findall(f"{SVG}polygon")[-1].get("class") == "mark s2 all"
    assert risk_against_coverage("r", {"graph": []}, ["graph"], title="") == ""
    other = risk_against_coverage("r", curves, ["graph", "silent", "plain"], title="위험", graded=False)
    assert "틀린" not in other and "틀림" not in other and "답이 없는 질문의 비율" in other
    assert described(figure(other)).startswith("graph: 50.0%에 답하고 그 가운데 50.0%가 답이 없는 질문; ")


def test_calibration_tells_how_many_questions_each_point_is() -> None:
    items = [Bin(n=6, probability=0.2, share=0.5), Bin(n=7, probability=0.9, share=1.0)]
    svg = figure(calibration("k", {"모두": items, "없음": []}, title="보정"))
    assert described(svg) == "모두: 0.20→0.50 (n=6), 0.90→1.00 (n=7)"
    assert [t.text for t in svg.findall(f"{SVG}text") if t.get("class") == "label"] == ["6", "7"]
    assert calibration("k", {}, title="") == ""
