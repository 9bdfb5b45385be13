"""Charts: a treated table in, matplotlib Axes out, with a headline and alt text on every one.

Each function draws one kind of chart from a table that has already passed the disclosure room. A withheld cell
(``"c"``) is written as the letter or left as a gap; nothing is ever drawn to the scale of a withheld value, so a
chart shows no more than its table. Colours are those of the Government Analysis Function, and no chart relies on
colour alone.

Examples
--------
>>> import pandas as pd
>>> from missing_patterns import plots
>>> table = pd.DataFrame({"label": ["Conflict at home", "Seeing friends"], "share": [0.42, 0.31]})
>>> ax = plots.bars(table, headline="Conflict at home leads", alt="Conflict at home 42%, seeing friends 31%.")
>>> plots.describe(ax).headline
'Conflict at home leads'
"""

from __future__ import annotations

from missing_patterns.plots.canvas import PALETTE, ChartText, describe, style
from missing_patterns.plots.categories import bars, heatmap, ladder, profiles
from missing_patterns.plots.export import to_png, to_svg
from missing_patterns.plots.series import lorenz, run_chart, step_curve

__all__ = [
    "PALETTE",
    "ChartText",
    "bars",
    "describe",
    "heatmap",
    "ladder",
    "lorenz",
    "profiles",
    "run_chart",
    "step_curve",
    "style",
    "to_png",
    "to_svg",
]
