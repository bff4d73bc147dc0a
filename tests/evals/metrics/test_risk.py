from evals.metrics.risk import Point, risk_curve


def test_surest_first_and_equal_evidence_together() -> None:
    points = risk_curve([0.5, 0.9, 0.5, 0.2], [True, False, False, True], 8)
    assert points == [
        Point(evidence=0.9, coverage=1 / 8, risk=0, answered=1),
        Point(evidence=0.5, coverage=3 / 8, risk=1 / 3, answered=3),
        Point(evidence=0.2, coverage=4 / 8, risk=2 / 4, answered=4),
    ]


def test_a_system_without_evidence_is_one_point() -> None:
    assert [point.coverage for point in risk_curve([0.0] * 4, [True, False, True, True], 4)] == [1]
    assert risk_curve([], [], 4) == []
