import re

import pytest
from matplotlib import rc_context

from skcaptcha.report._charts import Curve, accuracy_chart, chart


def test_text_without_a_font_is_left_to_the_browser():
    assert "\u65e5\u672c" in chart(lambda axes: axes.set_xlabel("\u65e5\u672c"), "two characters")


def test_charts_do_not_depend_on_a_matplotlibrc():
    # Matplotlib reads matplotlibrc from the current folder, which may be untrusted.
    def draw():
        return chart(lambda axes: axes.plot([0, 1], [0, 1], label="a $ b $ c"), "a line")

    expected = draw()
    with rc_context({"text.usetex": True, "lines.linewidth": 30, "axes.grid": True}):
        assert draw() == expected


def test_error_bars_end_at_0_and_100_percent():
    html = accuracy_chart(
        Curve([1, 2], [1.0, 0.98], [0.95, 0.93], [1.05, 1.03]),
        xlabel="k",
        description="accuracies",
    )
    # The axis ends at 100 %; nothing is drawn above.
    points = [
        float(y)
        for path in re.findall(r'<path d="([^"]*)"[^>]*stroke: #0072b2', html)
        for y in re.findall(r"[ML] [\d.-]+ ([\d.-]+)", path)
    ]
    ticks = [float(y) for y in re.findall(r'<use [^>]*x="[\d.]+" y="([\d.]+)"', html)]
    assert points
    assert min(points) >= min(ticks) - 0.01


def test_labels_of_ticks_do_not_overlap():
    html = accuracy_chart(
        Curve([10, 20, 100, 107], [0.5] * 4, [0.4] * 4, [0.6] * 4),
        xlabel="n",
        description="",
        is_learning_curve=True,
    )
    shown = re.findall(r">(\d+)</text>", html)
    assert shown[:3] == ["10", "20", "107"]


def test_two_curves_have_a_legend():
    curve = Curve([10, 20], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7], "labels alone")
    other = Curve(
        [20],
        [0.8],
        [
            0.7,
        ],
        [0.9],
        "with other images",
    )
    html = accuracy_chart(curve, other, xlabel="labels", description="", is_learning_curve=True)
    assert "labels alone" in html
    assert "with other images" in html
    alone = accuracy_chart(curve, xlabel="labels", description="", is_learning_curve=True)
    assert "labels alone" not in alone


@pytest.mark.parametrize("n", [53, 100])
def test_learning_curve_of_a_single_point(n):
    html = accuracy_chart(
        Curve([n], [1.0], [0.9], [1.0]),
        xlabel="labels",
        description="",
        is_learning_curve=True,
        marks=(0.5,),
    )
    assert f">{n}</text>" in html
