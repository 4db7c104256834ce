import re

from matplotlib import rc_context

from skcaptcha.report._charts import accuracy_chart, chart


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
        [1, 2], [1.0, 0.98], [0.95, 0.93], [1.05, 1.03], xlabel="k", description="accuracies"
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
        [10, 20, 100, 107],
        [0.5] * 4,
        [0.4] * 4,
        [0.6] * 4,
        xlabel="n",
        description="",
        is_learning_curve=True,
    )
    shown = re.findall(r">(\d+)</text>", html)
    assert shown[:3] == ["10", "20", "107"]
