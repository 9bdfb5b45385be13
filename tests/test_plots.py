"""Charts: what they write, that nothing withheld is drawn, that nothing is cut off, and that bytes repeat."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from missing_patterns import disclosure, plots
from missing_patterns.errors import ArgumentRefused
from missing_patterns.plots import canvas, categories, values

WORDS = {"headline": "What was found", "alt": "What a reader who cannot see the chart needs."}
SVG = "{http://www.w3.org/2000/svg}"

MONTHS = pd.DataFrame(
    {
        "month": ["2025-11", "2025-12", "2026-01", "2026-02"],
        "n_children": [31, "c", 28, 47],
        "mean": [32.0] * 4,
        "lower": [21.5] * 4,
        "upper": [42.5] * 4,
        "signal": [None, "", False, "above the limit"],
    }
)
TRIGGERS = pd.DataFrame(
    {
        "label": ["Conflict with parents, carers or others at home", "School & $money$ <b>", "Gangs", "Not asked"],
        "share": [0.42, 0.185, "c", None],
        "lower": [0.3, 0.1, "c", None],
        "upper": [0.55, 0.3, "c", None],
    }
)
RUNGS = pd.DataFrame(
    {
        "rung": ["Returned", "Due", "Offered", "Held"],
        "n_episodes": [92, 88, "c", 43],
        "share_of_due": [None, 1.0, "c", 0.489],
    }
)
GRID = pd.DataFrame({"day": ["Fri", "Sat", "All"], "day time": [7, "c", 12], "night": [30, 5, 35], "All": [37, 10, 47]})
TYPES = pd.DataFrame({"type": ["Type 1 (58%)", "Type 2 (42%)"], "Home": [0.71, 0.19], "Friends": ["c", 0.66]})
CURVE = pd.DataFrame(
    {"days": [0, 7, 28, 90], "share_again": [0.0, 0.1, 0.31, 0.5], "lower": [0.0, 0.06, 0.2, "c"], "upper": 0.6}
)
LORENZ = pd.DataFrame(
    {"share_children": [0, 0.1, 0.2, 1], "share_episodes": [0, 0.4, "c", 1], "reference": [0, 0.15, 0.3, 1]}
)
CHARTS: list[tuple[str, pd.DataFrame]] = [
    ("run_chart", MONTHS),
    ("bars", TRIGGERS),
    ("ladder", RUNGS),
    ("heatmap", GRID),
    ("profiles", TYPES),
    ("step_curve", CURVE),
    ("lorenz", LORENZ),
]
every_chart = pytest.mark.parametrize(("kind", "table"), CHARTS, ids=[kind for kind, _ in CHARTS])


def draw(kind: str, table: pd.DataFrame, **options: Any) -> Axes:
    return getattr(plots, kind)(table, **(WORDS | options))


def texts(ax: Axes) -> list[str]:
    return [t.get_text() for t in ax.texts]


def bar_lengths(ax: Axes) -> list[float]:
    """Lengths of the bars that stand for figures, without the pale ground."""
    pale = to_rgb("#F3F2F1")
    return [round(float(b.get_width()), 3) for b in ax.patches if b.get_facecolor()[:3] != pale]


# --- every chart ----------------------------------------------------------------------------------------------------


@every_chart
def test_every_chart_carries_its_words_and_its_table(kind: str, table: pd.DataFrame) -> None:
    before = table.copy()
    text = plots.describe(draw(kind, table))
    assert (text.headline, text.alt) == (WORDS["headline"], WORDS["alt"])
    pd.testing.assert_frame_equal(text.table, before)
    pd.testing.assert_frame_equal(table, before)
    assert text.table is not table


@every_chart
@pytest.mark.parametrize("empty", [{"headline": " "}, {"alt": ""}, {"alt": None}])
def test_a_chart_without_words_is_refused(kind: str, table: pd.DataFrame, empty: dict[str, Any]) -> None:
    with pytest.raises(ArgumentRefused, match=f"{next(iter(empty))} must be text"):
        draw(kind, table, **empty)


@every_chart
def test_a_chart_can_be_drawn_where_the_caller_wants_and_leaves_no_setting_behind(
    kind: str, table: pd.DataFrame
) -> None:
    before = dict(mpl.rcParams)
    ax = Figure().subplots(2, 1)[0]
    assert draw(kind, table, ax=ax) is ax
    assert dict(mpl.rcParams) == before


@every_chart
def test_an_svg_is_readable_inert_and_the_same_each_time(kind: str, table: pd.DataFrame) -> None:
    svg = plots.to_svg(draw(kind, table), f"{kind}-1")
    assert svg == plots.to_svg(draw(kind, table), f"{kind}-1")
    root = ET.fromstring(svg)  # noqa: S314 - our own text
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("width") == "100%"
    assert "height" not in root.attrib
    named = root.get("aria-labelledby", "").split()
    assert [root.find(f"*[@id='{i}']").text for i in named] == list(WORDS.values())  # type: ignore[union-attr]
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "title", "desc", "g", "path", "text", "defs", "use", "clipPath", "rect", "pattern",
    }  # fmt: skip
    assert "<?xml" not in svg
    assert "<!" not in svg
    assert (
        len(set(re.findall("https?://[^\"' ]*", svg)) - {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"})
        == 0
    )
    fonts = set(re.findall('font-family: ([^;"]*)', svg))
    assert fonts == {"Arial, Helvetica, sans-serif"}


@every_chart
def test_two_svgs_can_stand_in_one_page(kind: str, table: pd.DataFrame) -> None:
    one, two = (plots.to_svg(draw(kind, table), prefix) for prefix in ("a", "b"))
    ids = re.findall(' id="([^"]*)"', one + two)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', one))
    assert {a or b for a, b in used} <= set(re.findall(' id="([^"]*)"', one))


@every_chart
def test_a_png_is_170_mm_wide_and_the_same_each_time(kind: str, table: pd.DataFrame) -> None:
    png = plots.to_png(draw(kind, table), dpi=60)
    assert png == plots.to_png(draw(kind, table), dpi=60)
    assert struct.unpack(">I", png[16:20])[0] == int(170 / 25.4 * 60)


@every_chart
def test_nothing_is_cut_off_and_no_two_words_overlap(kind: str, table: pd.DataFrame) -> None:
    ax = draw(kind, table, headline="A long headline that says what was found and goes on a little more " * 2)
    figure = ax.get_figure()
    with plots.style():
        figure.savefig(io.BytesIO(), format="png", dpi=100)  # type: ignore[union-attr]
    frame = figure.bbox  # type: ignore[union-attr]
    low, high = sorted(ax.get_ylim())
    names = [t for t in ax.get_yticklabels() if low <= t.get_position()[1] <= high]
    boxes = [t.get_window_extent() for t in [*ax.texts, *ax.get_xticklabels(), *names] if t.get_text()]
    assert len(boxes) > 4
    boxes.append(figure._suptitle.get_window_extent())  # type: ignore[union-attr]
    assert all(b.x0 > -1 and b.y0 > -1 and b.x1 < frame.width + 1 and b.y1 < frame.height + 1 for b in boxes)
    written = [b for b, t in zip(boxes, ax.texts, strict=False) if t.get_bbox_patch() is None]
    clashes = [
        (i, j) for i, a in enumerate(written) for j, b in enumerate(written[:i]) if a.shrunk(0.9, 0.6).overlaps(b)
    ]
    assert clashes == []


@every_chart
def test_a_table_of_nothing_says_so(kind: str, table: pd.DataFrame) -> None:
    ax = draw(kind, table.iloc[:0])
    assert len(ax.texts) == 1
    assert re.search("(to show|can be shown)", texts(ax)[0])
    assert plots.to_svg(ax, "none")


@every_chart
def test_a_table_of_withheld_figures_draws_no_figure(kind: str, table: pd.DataFrame) -> None:
    hidden = table.copy()
    for column in hidden.columns[1:]:
        hidden[column] = "c"
    ax = draw(kind, hidden)
    assert all(not len(line.get_xydata()) or kind == "lorenz" for line in ax.lines)
    assert kind == "heatmap" or bar_lengths(ax) == []
    assert not re.search(r"\d%", " ".join(texts(ax)))


@pytest.mark.parametrize(
    ("kind", "table", "column"),
    [("run_chart", MONTHS, "n_children"), ("bars", TRIGGERS, "share"), ("ladder", RUNGS, "n_episodes"),
     ("step_curve", CURVE, "days"), ("lorenz", LORENZ, "share_children")],
)  # fmt: skip
def test_a_column_that_is_not_there_or_holds_words_is_refused(kind: str, table: pd.DataFrame, column: str) -> None:
    with pytest.raises(ArgumentRefused, match=f"no column '{column}'. Did you mean '{column}_'"):
        draw(kind, table.rename(columns={column: f"{column}_"}))
    canary = table.assign(**{column: ["canary"] * len(table)})
    with pytest.raises(ArgumentRefused, match=r"not a number \(position 0\)") as refused:
        draw(kind, canary)
    assert "canary" not in str(refused.value)


# --- one by one -------------------------------------------------------------------------------------------------------


def test_run_chart_leaves_a_gap_for_a_withheld_month_and_marks_signals() -> None:
    ax = draw("run_chart", MONTHS)
    line = next(np.asarray(x.get_ydata(), dtype=float) for x in ax.lines if x.get_marker() == "o")
    assert np.isnan(line).tolist() == [False, True, False, False]
    squares = [x.get_xydata().tolist() for x in ax.lines if x.get_marker() == "s"]  # type: ignore[union-attr]
    assert squares == [[[3.0, 47.0]]]
    assert texts(ax) == [
        "Upper limit 42.5",
        "Mean 32",
        "Lower limit 21.5",
        "47",
        "c",
        "Square: outside the usual ups and downs",
        "c = withheld: too few children",
    ]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["Nov\n2025", "Dec", "Jan\n2026", "Feb"]
    assert ax.get_ylim()[0] == 0


def test_run_chart_of_one_plain_month_and_of_periods_that_are_not_months() -> None:
    ax = draw("run_chart", pd.DataFrame({"month": ["2026-10"], "n_children": [7]}))
    assert texts(ax) == ["7"]
    ax = draw("run_chart", pd.DataFrame({"quarter": ["Q1", "2026-13"], "n": [0, "c"]}), x="quarter", y="n", y_label="n")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["Q1", "2026-13"]
    assert ax.get_ylim() == (0, 1)


def test_run_chart_leaves_out_limits_that_are_withheld_all_through() -> None:
    ax = draw("run_chart", MONTHS.assign(upper="c"))
    assert [t for t in texts(ax) if "limit" in t] == ["Lower limit 21.5"]


def test_run_chart_names_few_months_of_many_and_always_the_last() -> None:
    months = [f"{y}-{m:02d}" for y in (2024, 2025) for m in range(1, 13)]
    ax = draw("run_chart", pd.DataFrame({"month": months, "n_children": range(24)}))
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert len(labels) == 8
    assert labels[0] == "Mar\n2024"
    assert labels[-1] == "Dec"


def test_bars_have_no_bar_for_what_is_withheld_or_not_recorded() -> None:
    ax = draw("bars", TRIGGERS, x_label="Share of interviews")
    assert bar_lengths(ax) == [0.42, 0.185]
    assert texts(ax) == [
        "42%", "19%", "c", "–", "Share of interviews", "Thin line: 95% interval", "c = withheld: too few children",
    ]  # fmt: skip
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row stands on top"


def test_bars_of_counts_without_intervals() -> None:
    ax = draw("bars", pd.DataFrame({"label": ["a", "b"], "n": [1204, 0]}), value="n", percent=False)
    assert texts(ax) == ["1,204", "0"]
    with_total = pd.DataFrame({"label": ["a", "b", "All"], "share": [0.25, 0.75, 1.0]})
    assert bar_lengths(draw("bars", with_total)) == [0.25, 0.75], "a total would drown the rest"
    assert len(plots.describe(draw("bars", with_total)).table) == 3


def test_ladder_writes_count_and_share_and_no_bar_for_a_withheld_rung() -> None:
    ax = draw("ladder", RUNGS)
    assert bar_lengths(ax) == [92.0, 88.0, 43.0]
    assert texts(ax) == ["92", "88  (100% of due)", "c", "43  (49% of due)", "c = withheld: too few children"]
    assert texts(draw("ladder", RUNGS, share=None))[1] == "88"


def test_heatmap_hatches_withheld_cells_and_shades_no_totals() -> None:
    ax = draw("heatmap", GRID, x_label="Part of the day")
    assert texts(ax) == ["7", "30", "37", "c", "5", "10", "12", "35", "47", "c = withheld: too few children"]
    assert sum(bool(p.get_hatch()) for p in ax.patches) == 1
    faces = {
        (int(p.get_x()), int(p.get_y())): p.get_facecolor()[:3]  # type: ignore[attr-defined]
        for p in ax.patches
        if not p.get_hatch()
    }
    assert faces[1, 0] == pytest.approx(to_rgb(plots.PALETTE[0])), "the highest cell has the full colour"
    assert faces[2, 0] == faces[0, 1] == faces[2, 2], "totals and withheld cells have none"
    shares = draw("heatmap", pd.DataFrame({"a": ["x"], "b": [0.25]}), percent=True)
    assert texts(shares) == ["25%"]


def test_heatmap_and_profiles_take_named_columns_and_refuse_absent_ones() -> None:
    ax = draw("heatmap", GRID, label="day", columns=["night"])
    assert texts(ax) == ["30", "5", "35"]
    with pytest.raises(ArgumentRefused, match="no column 'nights'. Did you mean 'night'"):
        draw("heatmap", GRID, columns=["nights"])
    with pytest.raises(ArgumentRefused, match="no column 'typ'"):
        draw("profiles", TYPES, label="typ")
    assert texts(draw("heatmap", pd.DataFrame())) == ["There is nothing to show."]


def test_profiles_draw_each_share_in_its_types_column() -> None:
    ax = draw("profiles", TYPES)
    assert texts(ax) == ["71%", "c", "19%", "66%", "c = withheld: too few children"]
    room = 0.92 - 0.085 * 2
    assert bar_lengths(ax) == [round(v * room, 3) for v in (0.71, 0.19, 0.66)]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["Home", "Friends"]
    renamed = draw("profiles", TYPES, names={"Home": "Home and family"})
    assert [t.get_text() for t in renamed.get_yticklabels()] == ["Home and family", "Friends"]
    renamed = draw("heatmap", GRID, names={"night": "Night"})
    assert [t.get_text() for t in renamed.get_xticklabels()] == ["day time", "Night", "All"]


def test_step_curve_names_each_curve_at_its_end_and_marks_a_single_one() -> None:
    ax = draw("step_curve", CURVE, marks=(28, 30, 500))
    assert texts(ax) == ["28 days: 31%", "30 days: 31%", "50%", "Shaded: 95% interval"]
    both = pd.concat([CURVE.assign(group="care"), CURVE.assign(group="home", share_again=[0, 0.05, 0.2, 0.3])])
    ax = draw("step_curve", both, by="group", marks=(28,))
    assert texts(ax) == ["care 50%", "home 30%", "Shaded: 95% interval"]
    styles = [str(line.get_linestyle()) for line in ax.lines]
    assert len(styles) == len(set(styles)), "told apart without colour"


def test_step_curve_of_means_and_of_a_single_point_at_nought() -> None:
    mean = pd.DataFrame({"time": [0, 400.0], "mean": [0.0, 2.46]})
    ax = draw(
        "step_curve", mean, x="time", y="mean", lower=None, upper=None, percent=False, y_label="Episodes per child"
    )
    assert texts(ax) == ["2.5"]
    assert ax.get_xticks().tolist() == [0.0, 90.0, 180.0, 270.0, 360.0]
    assert texts(draw("step_curve", CURVE.iloc[:1])) == ["0%", "Shaded: 95% interval"]
    decades = draw("step_curve", mean.assign(time=[0, 3000]), x="time", y="mean", percent=False)
    assert decades.get_xticks()[1] == 180


def test_lorenz_leaves_withheld_points_out_and_words_the_marked_ones() -> None:
    ax = draw("lorenz", LORENZ, marks=(0.1, 0.2))
    assert texts(ax) == [
        "if all children had\nthe same number",
        "by chance alone",
        "Top 10% of children:\n40% of episodes",
    ]
    points = next(line for line in ax.lines if line.get_marker() == "o")
    assert points.get_xydata().tolist() == [[0, 0], [0.1, 0.4], [1, 1]]  # type: ignore[union-attr]
    line = draw("lorenz", LORENZ.iloc[1:]).lines[-1]
    assert line.get_xydata().tolist() == [[0, 0], [0.1, 0.4], [1, 1]], "the curve begins at nought"  # type: ignore[union-attr]
    assert "by chance alone" not in texts(draw("lorenz", LORENZ.drop(columns="reference")))


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_label_is_never_markup_or_mathematics() -> None:
    table = pd.DataFrame({"label": ["$x^2$ & <script>alert(1)</script>", 'id="patch_1" url(#a)'], "share": [0.4, 0.2]})
    svg = plots.to_svg(plots.bars(table, headline="<i>H</i> $", alt='a "quoted" & <alt>'), "p")
    root = ET.fromstring(svg)  # noqa: S314
    written = " ".join(t.text or "" for t in root.iter(f"{SVG}text"))
    assert "$x^2$ & <script>alert(1)" in written.replace("\n", " ")
    assert 'id="patch_1" url(#a)' in written
    assert [root.find(f"{SVG}{tag}").text for tag in ("title", "desc")] == ["<i>H</i> $", 'a "quoted" & <alt>']  # type: ignore[union-attr]


def test_the_headline_is_drawn_only_when_asked_for() -> None:
    ax = draw("bars", TRIGGERS)
    shown = ET.fromstring(plots.to_svg(ax, "p", show_headline=True))  # noqa: S314
    left_out = ET.fromstring(plots.to_svg(ax, "p"))  # noqa: S314
    assert WORDS["headline"] in [t.text for t in shown.iter(f"{SVG}text")]
    assert WORDS["headline"] not in [t.text for t in left_out.iter(f"{SVG}text")]
    assert ax.figure.get_suptitle() == WORDS["headline"], "the chart itself is as it was"  # type: ignore[union-attr]
    beside = draw("bars", TRIGGERS, ax=Figure(layout="constrained").subplots())
    assert WORDS["headline"] not in plots.to_svg(beside, "p").split("</title>")[1]
    assert beside.get_title(loc="left") == WORDS["headline"]
    assert plots.to_png(ax, 40, show_headline=True) != plots.to_png(ax, 40)


@pytest.mark.parametrize("prefix", ["", "1a", "a b", 'a"', "é"])
def test_a_prefix_that_is_no_id_is_refused(prefix: str) -> None:
    with pytest.raises(ArgumentRefused, match="id_prefix must begin with a letter"):
        plots.to_svg(draw("bars", TRIGGERS), prefix)


def test_axes_of_others_are_refused() -> None:
    for export in (plots.describe, plots.to_png, lambda ax: plots.to_svg(ax, "p")):
        with pytest.raises(ArgumentRefused, match="no headline and alt text"):
            export(Figure().subplots())


def test_a_chart_on_part_of_a_figure_is_exported_with_the_whole() -> None:
    part = Figure(layout="constrained").subfigures(1, 2)[0]
    ax = draw("step_curve", CURVE.iloc[:0], ax=part.subplots())
    assert plots.to_png(ax, 40)[1:4] == b"PNG"


def test_values_are_worded_as_a_reader_rounds() -> None:
    worded = [values.shown(v, percent=True) for v in (0.005, 0.145, 0.285, 1, np.float64("nan"), pd.NA, "c")]
    assert worded == ["1%", "15%", "29%", "100%", "–", "–", "c"]
    assert [values.shown(v) for v in (0, 1234567, 0.25, np.int64(3))] == ["0", "1,234,567", "0.2", "3"]
    assert values.wrap("", 5) == ""


def test_labels_are_moved_apart_and_stay_inside() -> None:
    assert values.spread([], 1, 0, 10) == []
    assert values.spread([9.9, 10.0, 10.0], 1, 0, 10) == pytest.approx([8.0, 9.0, 10.0])
    assert values.spread([0.0, 0.1], 1, 0, 10) == pytest.approx([0.0, 1.0])
    moved = values.spread([5.0, 2.0, 2.1, 2.9], 1, 0, 10)
    assert min(np.diff(sorted(moved))) >= 1 - 1e-9
    assert sorted(range(4), key=lambda i: moved[i]) == [1, 2, 3, 0]


def contrast(a: str | tuple[float, ...], b: str | tuple[float, ...]) -> float:
    """Contrast ratio of WCAG 2.2."""

    def luminance(colour: Any) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_have_enough_contrast() -> None:
    assert min(contrast(c, "white") for c in canvas.PALETTE) >= 3
    assert min(contrast(c, "white") for c in (*canvas.PALETTE_TEXT, canvas.GREY, canvas.INK)) >= 4.5
    for strength in np.linspace(0, 1, 41):
        face = categories._shade(float(strength))
        assert contrast(face, "white" if categories._is_dark(face) else canvas.INK) >= 4.4


def test_both_rooms_write_the_same_symbol() -> None:
    assert values.WITHHELD == disclosure.SYMBOL


def test_drawing_needs_no_window_and_keeps_no_state() -> None:
    code = (
        "import sys, pandas as pd; from missing_patterns import plots;"
        "assert 'matplotlib' not in sys.modules;"
        "plots.to_png(plots.bars(pd.DataFrame({'label': ['a'], 'share': [0.5]}), headline='h', alt='a'), 40);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
