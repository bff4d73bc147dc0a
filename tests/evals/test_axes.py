from dataclasses import replace

import pytest

from evals.axes import BOTTOM, HEIGHT, LEFT, RIGHT, SHARE, TOP, WIDTH, Axes, Axis, Labels


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 33, [0, 10, 20, 30]),
        (0, 2400, [0, 500, 1000, 1500, 2000]),
        (0, 0.003, [0, 0.001, 0.002, 0.003]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert Axis(label="", low=low, high=high).ticks() == pytest.approx(ticks)


def test_corners_are_where_the_frame_is() -> None:
    axes = Axes(x=Axis(label="초", low=0, high=10), y=SHARE)
    assert axes.at(0, 0) == (LEFT, HEIGHT - BOTTOM)
    assert axes.at(10, 1) == (WIDTH - RIGHT, TOP)


def test_the_frame_has_both_labels_and_its_ticks_as_text() -> None:
    frame = Axes(x=Axis(label="토큰 <n>", low=0, high=2000), y=replace(SHARE, label="비율")).frame()
    assert "토큰 &lt;n&gt;" in frame and "비율" in frame
    assert ">1,000<" in frame and ">40 %<" in frame


def test_error_bars_stay_inside_the_frame() -> None:
    axes = Axes(x=Axis(label="", low=0, high=10), y=SHARE)
    bars = axes.errors(9, 0.95, 5, 0.5, "bar")
    assert f'x2="{WIDTH - RIGHT}' in bars and f'y2="{TOP}' in bars


def test_labels_do_not_cover_each_other_and_give_up_where_there_is_no_room() -> None:
    labels = Labels([(300.0, 200.0, 5.0)])
    made = [labels.beside(300, 200, 5, "answerable", "label") for _ in range(12)]
    shown = [label for label in made if label]
    assert 2 <= len(shown) < 12 and len(set(shown)) == len(shown)
