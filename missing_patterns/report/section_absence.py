"""Questions 6 and 13: how long children are away, and on which days and at which hours they go."""

from __future__ import annotations

import pandas as pd

from missing_patterns import patterns
from missing_patterns.disclosure import ReleaseTable, is_withheld
from missing_patterns.report.facts import Facts
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.section_numbers import count
from missing_patterns.report.words import n_of, share, shown

#: Fewest episodes in the busiest cell for it to be named: fewer may be chance.
_PEAK = 10


def how_long(facts: Facts) -> Section:
    """Question 6: how long children are away, on timed records; dates alone cannot say."""
    episodes = facts.lookback
    timed = episodes[episodes["precision"].fillna("minute") == "minute"]
    hours = timed["duration_hours"]
    bands = {
        "Under 6 hours": hours < 6,
        "6 to 24 hours": (hours >= 6) & (hours < 24),
        "1 to 2 days": (hours >= 24) & (hours < 48),
        "2 to 7 days": (hours >= 48) & (hours < 168),
        "7 days or more": hours >= 168,
        "End not known or still missing": hours.isna(),
    }
    rows = [{"group": label, **count(timed[inside])} for label, inside in bands.items()]
    rows.append({"group": _DATES, **count(episodes[~episodes.index.isin(timed.index)])})
    rows.append({"group": "All", **count(episodes)})
    frame = pd.DataFrame(rows)
    frame["share"] = frame["n_episodes"] / max(len(episodes), 1)
    frame["n_all"] = frame["n_children"].iloc[-1]
    item = Item(
        table=ReleaseTable(
            "duration",
            frame,
            children="n_children",
            derived=("n_episodes", "share"),
            by=("group",),
            total="All",
            additive=True,
            of="n_all",
        ),
        caption=f"How long children were away, {facts.span}",
        columns={
            "group": ("Away for", "text"),
            "n_children": ("Children", "count"),
            "n_episodes": ("Episodes", "count"),
            "share": ("Share of episodes", "percent"),
        },
        chart=Chart(
            "bars",
            headline=lambda t: _duration_headline({"duration": t}).rstrip("."),
            alt=lambda t: (
                "Bars of the share of episodes by how long the child was away. " + _duration_headline({"duration": t})
            ),
            options={"label": "group", "value": "share", "lower": None, "upper": None, "x_label": "Share of episodes"},
        ),
        measures=(Measure("episodes_by_duration", "n_episodes", "episodes", ("group",)),),
    )
    return Section(
        id="duration",
        title="How long they were away",
        question="How long are children away, and how many for more than a day?",
        items=(item,) if len(timed) else (),
        headline=_duration_headline,
        means="Absences over 24 hours are the ones that panels look at one by one.",
        does_not_mean="A long absence is not always a dangerous one, nor a short one safe. Both ends are as recorded.",
        definitions=(("Hours", "True elapsed time in London, across clock changes too."),),
    )


_DATES = "Only the dates are known"
_ONLY_DATES = "Only the dates of these episodes are recorded, not the times."


def _duration_headline(treated: Treated) -> str:
    if "duration" not in treated:
        return _ONLY_DATES
    rows = treated["duration"].set_index("group")["n_episodes"]
    ended = [rows[g] for g in ("Under 6 hours", "6 to 24 hours")]
    if not all(shown(v) for v in (*ended, rows["All"])):
        return "How long children were away is withheld in part: too few children."
    # Where the dated ones are withheld they are few, and the share of all is close enough.
    timed = rows["All"] - (rows[_DATES] if shown(rows[_DATES]) else 0)
    of = "episodes" if timed == rows["All"] else "episodes whose times are known"
    text = f"{share(sum(ended) / timed)} of {of} ended within 24 hours"
    longer = [rows[g] for g in ("1 to 2 days", "2 to 7 days", "7 days or more")]
    if not all(shown(v) for v in longer):
        return text + "."
    return f"{text}, and {share(sum(longer) / timed)} lasted longer."


def when(facts: Facts) -> Section:
    """Question 13, in time: the hours and weekdays at which children go."""
    first = facts.lookback_month.start_time.date()
    rates = patterns.calendar_rates(
        facts.lookback, first_day=first.isoformat(), last_day=facts.month.end_time.date().isoformat()
    )
    frame = rates[["weekday", "hour_band", "n_episodes", "n_children"]].copy()
    bands = list(dict.fromkeys(frame["hour_band"]))
    frame["cell"] = frame["weekday"] + " " + frame["hour_band"]
    everything = count(facts.lookback[facts.lookback["precision"].fillna("minute") == "minute"])
    frame.loc[len(frame)] = {"cell": "All", "weekday": "All", "hour_band": "All", **everything}
    item = Item(
        table=ReleaseTable(
            "calendar",
            frame,
            children="n_children",
            derived=("n_episodes",),
            by=("cell",),
            labels=("weekday", "hour_band"),
            total="All",
            additive=True,
        ),
        caption=f"Episodes by weekday and hour of going missing, {facts.span}",
        columns={"weekday": ("Day", "text"), **{b: (f"{b.replace('-', ':00 to ')}:59", "count") for b in bands}},
        after=lambda treated: _wide(treated, bands),
        chart=Chart(
            "heatmap",
            headline=_when_headline,
            alt=_when_alt,
            options={"label": "weekday", "x_label": "Hour of going missing"},
        ),
        notes=("Episodes of which only the date is known are left out.",),
    )
    return Section(
        id="when",
        title="When they go",
        question="On which days and at which hours do children go missing?",
        items=(item,) if everything["n_episodes"] else (),
        headline=lambda treated: _when_headline(treated["calendar"]) + "." if "calendar" in treated else _ONLY_DATES,
        means="Dark cells are when staffing, transport and activities may matter most.",
        does_not_mean=(
            "The hour is when a child was last seen or due back, as recorded; round hours are often guesses. A few children "
            "with many episodes can make a dark cell."
        ),
        definitions=(
            ("Withheld cells", "Cells with fewer children than the threshold, and those that would reveal them."),
        ),
    )


def _wide(treated: pd.DataFrame, bands: list[str]) -> pd.DataFrame:
    rows = []
    for weekday in [d for d in dict.fromkeys(treated["weekday"]) if d != "All"]:
        mine = treated[treated["weekday"] == weekday].set_index("hour_band")["n_episodes"]
        rows.append({"weekday": weekday, **{b: mine[b] for b in bands}})
    return pd.DataFrame(rows, columns=["weekday", *bands]).astype(object)


def _busiest(frame: pd.DataFrame) -> tuple[str, str, int] | None:
    cells = [
        (int(row[band]), row["weekday"], band)
        for row in frame.to_dict("records")
        for band in frame.columns[1:]
        if shown(row[band])
    ]
    if not cells or max(cells)[0] == 0:
        return None
    n, weekday, band = max(cells)
    return weekday, band, n


def _when_headline(frame: pd.DataFrame) -> str:
    busiest = _busiest(frame)
    if busiest is None:
        return "When children go missing is withheld: too few children"
    weekday, band, n = busiest
    if n < _PEAK:
        return "No time of the week stands out"
    start, end = band.split("-")
    hidden = any(is_withheld(v) for v in frame.drop(columns="weekday").to_numpy().ravel())
    which = "The busiest time shown" if hidden else "The busiest time"
    return f"{which} is {weekday} between {int(start)}:00 and {int(end)}:59, with {n_of(n, 'episode')}"


def _when_alt(frame: pd.DataFrame) -> str:
    text = "Table of weekdays by bands of hours, shaded by the number of episodes. "
    return text + _when_headline(frame) + "."
