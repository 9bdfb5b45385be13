"""How many children and episodes, is it unusual, and who: the counts of the month and of the months before it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import monitoring
from missing_patterns.disclosure import ReleaseTable, is_withheld
from missing_patterns.report.facts import Facts, between
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.words import month_name, n_of, round_half_up, sentence, share, shown

#: Largest share of months withheld for which a usual range is still given.
_MOST_WITHHELD = 0.1

_LOOKBACK = "lookback"

COUNTS = {"n_children": ("Children", "count"), "n_episodes": ("Episodes", "count")}


def _both(name: str, period: str = "month") -> tuple[Measure, Measure]:
    return (
        Measure(f"children_{name}", "n_children", "children", ("group",), period=period),
        Measure(f"episodes_{name}", "n_episodes", "episodes", ("group",), period=period),
    )


def count(episodes: pd.DataFrame) -> dict[str, int]:
    """Return distinct children and episodes of a table of episodes.

    Raises
    ------
    KeyError
        If it has no ``child_id``.

    Examples
    --------
    >>> count(pd.DataFrame({"child_id": ["A", "A", "B"]}))
    {'n_children': 2, 'n_episodes': 3}
    """
    return {"n_children": int(episodes["child_id"].nunique()), "n_episodes": len(episodes)}


def how_many(facts: Facts) -> Section:
    """Question 1 and 2: how many, is it more than usual, and is it more children or the same ones more often?"""
    month, name = facts.month, month_name(facts.month)
    return Section(
        id="numbers",
        title="How many children went missing",
        question="How many children and episodes, and is it more than usual?",
        items=(_run_chart(facts), *_month(facts), _categories(facts)),
        headline=lambda treated: _headline(treated, name),
        summary=lambda treated: [_headline(treated, name), *_what_changed(treated, month)],
        means=(
            "The line shows children missing each month. Months inside the shaded range differ no more than months "
            "usually do; a marked month does not fit that range or is part of a run that chance seldom makes."
        ),
        does_not_mean=(
            "A signal says that something changed, not what. A change in recording, such as counting 'away' as missing "
            "or a new form, is the first thing to rule out. Do not compare these counts with other councils': recording differs."
        ),
        definitions=(
            (
                "Episode",
                "Incidents of one child that overlap or touch, joined. Several systems may write the same absence; it counts once.",
            ),
            (
                "Counted here",
                f"Episodes recorded as {', '.join(facts.settings.count_categories).replace('_', ' ')}; where no category is recorded, as missing. The others stand in the table by category.",
            ),
            (
                "Usual range",
                "Mean plus or minus 2.66 times the mean step from month to month (an XmR chart), after setting aside steps of more than 3.27 times that mean. With fewer than 12 months the range is a first trial. Where more than a tenth of the months are withheld, none is given.",
            ),
            ("New to the data", "A child with no earlier episode in the records that were read."),
        ),
    )


def _months(facts: Facts) -> pd.DataFrame:
    """Children and episodes in each month of the chart, no earlier than the first record."""
    first = max(
        facts.month - (facts.settings.chart_months - 1),
        facts.counted["missing_from"].min().tz_localize(None).to_period("M") if len(facts.counted) else facts.month,
    )
    return monitoring.monthly_counts(facts.counted, first_month=str(first), last_month=str(facts.month))


def _run_chart(facts: Facts) -> Item:
    months = _months(facts)[["month", "n_children", "n_episodes"]]
    n_months = len(months)
    # Other tables print the total of the lookback, so the door must know that these months add up to it.
    months.loc[n_months] = {"month": _LOOKBACK, **count(facts.lookback)}
    inside = [i for i in range(n_months) if months["month"].iloc[i] >= str(facts.lookback_month)]

    def limits(treated: pd.DataFrame) -> pd.DataFrame:
        treated = treated[treated["month"] != _LOOKBACK].reset_index(drop=True)
        # The range is computed from what is published, so that it says nothing about a withheld month. Withheld
        # months are the low ones: where they are many, a range without them would be too high and too narrow.
        chart = monitoring.control_chart(treated, value="n_children").table
        signal = [_signal(row, last=row.Index == len(chart) - 1) for row in chart.itertuples()]
        if treated["n_children"].map(is_withheld).mean() > _MOST_WITHHELD:
            chart[["mean", "lower", "upper"]] = np.nan
            signal = ["none"] * len(chart)
        counts = {c: treated[c].to_numpy() for c in ("n_children", "n_episodes")}
        return chart.assign(**counts, signal=signal, month_of_row=chart["month"])

    return Item(
        table=ReleaseTable(
            "children_by_month",
            months,
            children="n_children",
            derived=("n_episodes",),
            by=("month",),
            sums=((n_months, tuple(inside)),)
            if len(inside) == facts.settings.lookback_months or n_months == len(inside)
            else (),
        ),
        caption="Children and episodes by month, with the usual range of children",
        columns={
            "month": ("Month", "month"),
            **COUNTS,
            "mean": ("Mean", "number"),
            "lower": ("Lower limit", "number"),
            "upper": ("Upper limit", "number"),
            "signal": ("Signal", "text"),
        },
        chart=Chart(
            "run_chart",
            headline=_chart_headline,
            alt=_chart_alt,
            options={"y": "n_children", "y_label": "Children"},
        ),
        after=limits,
        measures=(
            Measure("children_by_month", "n_children", "children", ("month",), period="month_of_row"),
            Measure("episodes_by_month", "n_episodes", "episodes", ("month",), period="month_of_row"),
        ),
    )


def _signal(row: Any, *, last: bool) -> str:
    """The rules that a month takes part in, in a reader's words; of earlier months only whether they lie outside."""
    if not shown(row.value) or not shown(row.mean):
        return "none"
    high = row.value > row.mean
    words = {
        "outside": f"{'above' if high else 'below'} the usual range",
        "one_side": f"one of seven or more months in a row {'above' if high else 'below'} the mean",
        "trend": "one of seven or more months in a row that rise or fall",
        "near_limit": f"one of two in three months close to the {'upper' if high else 'lower'} limit",
    }
    return "; ".join(words[rule] for rule in (words if last else ["outside"]) if getattr(row, rule)) or "none"


def _chart_headline(frame: pd.DataFrame) -> str:
    last = frame.iloc[-1]
    name = month_name(pd.Period(last["month"], "M"))
    if not shown(last["n_children"]):
        return f"{name} is withheld: too few children"
    if not shown(last["upper"]):
        return "Children missing each month"
    usual = f"(usually {_whole(last['lower'])} to {_whole(last['upper'])} children)"
    if last["signal"] != "none":
        return f"{name} is {last['signal']} {usual}"
    return f"{name} is within the usual range {usual}"


def _whole(limit: Any) -> int:
    return round_half_up(float(limit))


def _chart_alt(frame: pd.DataFrame) -> str:
    values = [int(v) for v in frame["n_children"] if shown(v)]
    if not values:
        return "Line of children missing each month. Every month is withheld, because too few children went missing."
    last = frame.iloc[-1]
    return (
        f"Line of children missing each month from {month_name(pd.Period(frame['month'].iloc[0], 'M'))} to "
        f"{month_name(pd.Period(last['month'], 'M'))}. It moves between {min(values)} and {max(values)}; the last month is "
        f"{last['n_children'] if shown(last['n_children']) else 'withheld'}. "
        + (f"The usual range is {_whole(last['lower'])} to {_whole(last['upper'])}." if shown(last["upper"]) else "")
    ).strip()


def _month(facts: Facts) -> tuple[Item, Item]:
    """This month beside others, and divided into new and known children: one table, for the parts add up."""
    periods = {"This month": facts.month, "Month before": facts.month - 1, "Same month last year": facts.month - 12}
    first = facts.counted["missing_from"].min()
    rows = []
    for label, period in periods.items():
        if pd.isna(first) or period < first.tz_localize(None).to_period("M"):
            continue  # before the records begin, nothing is not the same as none
        rows.append({"group": label, "period": str(period), **count(between(facts.counted, period, period))})
    compared = [row["group"] for row in rows]
    # build_episodes numbers a child's episodes over all its records, so number 1 marks a child who is new.
    new = set(facts.in_month.loc[facts.in_month["episode_no"] == 1, "child_id"])
    is_new = facts.in_month["child_id"].isin(new)
    for label, part in (("New to the data", is_new), ("Known before", ~is_new)):
        rows.append({"group": label, "period": str(facts.month), **count(facts.in_month[part])})
    frame = pd.DataFrame(rows, columns=["group", "period", "n_children", "n_episodes"])
    frame["per_child"] = frame["n_episodes"] / frame["n_children"].where(frame["n_children"] > 0)
    offered = ReleaseTable(
        "month",
        frame,
        children="n_children",
        derived=("n_episodes", "per_child"),
        by=("group",),
        labels=("period",),
        sums=((0, (len(frame) - 2, len(frame) - 1)),),
    )
    columns = {**COUNTS, "per_child": ("Episodes per child", "number")}

    def parts(treated: pd.DataFrame) -> pd.DataFrame:
        whole = treated.iloc[0]
        treated = treated[~treated["group"].isin(compared)].astype(object)
        if is_withheld(whole["n_children"]):
            treated[["n_children", "n_episodes", "per_child"]] = whole["n_children"]
        return treated.reset_index(drop=True)

    return (
        Item(
            table=offered,
            view="month_compared",
            caption="This month beside the month before and the same month last year",
            columns={"group": ("Period", "text"), "period": ("Month", "month"), **columns},
            after=lambda treated: treated[treated["group"].isin(compared)].reset_index(drop=True),
            measures=_both("by_period", "period"),
        ),
        Item(
            table=offered,
            view="new_or_known",
            caption=f"Children new to the data and children known before, {month_name(facts.month)}",
            columns={"group": ("New or known", "text"), **columns},
            after=parts,
            measures=_both("new_or_known"),
        ),
    )


def _categories(facts: Facts) -> Item:
    month = between(facts.episodes, facts.month, facts.month)
    labels = {"missing": "Missing", "away": "Away, whereabouts known", "no_apparent_risk": "No apparent risk"}
    category = month["category"].fillna("not recorded").map(lambda c: labels.get(c, "Category not recorded"))
    rows = [{"group": g, **count(month[category == g])} for g in [*labels.values(), "Category not recorded"]]
    return Item(
        # No total: a child may be in two rows, and a total would give the overlap away.
        table=ReleaseTable(
            "by_category", pd.DataFrame(rows), children="n_children", derived=("n_episodes",), by=("group",)
        ),
        caption=f"Every category of absence, {month_name(facts.month)}",
        columns={"group": ("Category", "text"), **COUNTS},
        notes=("A child with absences of two categories stands in both rows, so children do not add up.",),
        measures=_both("by_category"),
    )


def _headline(treated: Treated, name: str) -> str:
    row = treated["month_compared"].iloc[0]
    text = f"{n_of(row['n_children'], 'child', 'children')} went missing in {name}"
    if shown(row["n_episodes"]):
        text += f", in {n_of(row['n_episodes'], 'episode')}"
    last = treated["children_by_month"].iloc[-1]
    if not shown(last["n_children"]) or not shown(last["upper"]):
        return sentence(text) + "."
    if last["signal"] != "none":
        return sentence(text) + f". That is unusual: it is {last['signal']}."
    return sentence(text) + ", which is within the usual range."


def _what_changed(treated: Treated, month: pd.Period) -> list[str]:
    rows = treated["month_compared"].set_index("group")
    if "Same month last year" not in rows.index:
        return []
    now, then = rows.loc["This month"], rows.loc["Same month last year"]
    if not all(shown(r[c]) for r in (now, then) for c in ("n_children", "n_episodes")):
        return []
    children, episodes = n_of(then["n_children"], "child", "children"), n_of(then["n_episodes"], "episode")
    return [f"In {month_name(month - 12)} there were {children} and {episodes}."]


def who(facts: Facts) -> Section:
    """Who goes missing: by sex, age, care and setting, over the lookback."""
    return Section(
        id="who",
        title="Who went missing",
        question="Which groups of children are these?",
        items=(_by_child(facts), _by_setting(facts)),
        headline=lambda treated: _who_headline(treated, facts.span),
        means="How the children and their episodes divide. A group with more episodes per child holds more repeats.",
        does_not_mean=(
            "These are not rates: how many children live in care or are of an age is not in these records. "
            "A large group may simply be a large part of the population."
        ),
        definitions=(
            ("Age", "Completed years at the end of the period, from the month of birth."),
            ("Looked after", "By the latest social-care status on file, not the status on the day."),
        ),
    )


def _by_child(facts: Facts) -> Item:
    people = facts.records.children.set_index("child_id").reindex(facts.lookback["child_id"].unique())
    n_episodes = facts.lookback["child_id"].value_counts().reindex(people.index)
    months = (facts.end.year - people["birth_month"].dt.year) * 12 + facts.end.month - people["birth_month"].dt.month
    age = pd.cut(
        months // 12, [-1, 9, 12, 14, 16, 200], labels=["Under 10", "10 to 12", "13 to 14", "15 to 16", "17 and over"]
    )
    sex = people["sex"].map(
        {"female": "Female", "male": "Male", "other": "Other or not stated", "not_stated": "Other or not stated"}
    )
    care = (
        people["care_status"]
        .map({"looked_after": "Looked after"})
        .where(people["care_status"].isin(["looked_after"]), "Not looked after")
    )
    care = care.where(people["care_status"].notna())
    rows = []
    for heading, values in {"Sex": sex, "Age": age.astype(object), "Care": care}.items():
        known = values.fillna("Not recorded")
        order = [*dict.fromkeys([*age.cat.categories, *sorted(set(known) - {"Not recorded"}), "Not recorded"])]
        for group in [g for g in order if (known == g).any()]:
            mine = known[known == group].index
            rows.append(
                {"heading": heading, "group": group, "n_children": len(mine), "n_episodes": int(n_episodes[mine].sum())}
            )
        rows.append(
            {"heading": heading, "group": "All", "n_children": len(people), "n_episodes": int(n_episodes.sum())}
        )
    frame = pd.DataFrame(rows, columns=["heading", "group", "n_children", "n_episodes"])
    frame["per_child"] = frame["n_episodes"] / frame["n_children"].where(frame["n_children"] > 0)
    return Item(
        table=ReleaseTable(
            "who",
            frame,
            children="n_children",
            derived=("n_episodes", "per_child"),
            by=("heading", "group"),
            total="All",
            additive=True,
        ),
        caption=f"Children and episodes by group, {facts.span}",
        columns={
            "heading": ("By", "text"),
            "group": ("Group", "text"),
            **COUNTS,
            "per_child": ("Episodes per child", "number"),
        },
        measures=(
            Measure("children_by_group", "n_children", "children", ("heading", "group")),
            Measure("episodes_by_group", "n_episodes", "episodes", ("heading", "group")),
        ),
    )


def _by_setting(facts: Facts) -> Item:
    labels = {"home": "Home", "care": "A placement", "school": "School", "other": "Elsewhere"}
    setting = facts.lookback["missing_from_setting"].map(labels).fillna("Not recorded")
    rows = [
        {"group": label, **count(facts.lookback[setting == label])}
        for label in [*labels.values(), "Not recorded"]
        if (setting == label).any()
    ]
    rows.append({"group": "All", **count(facts.lookback)})
    frame = pd.DataFrame(rows)
    frame["n_all"] = frame["n_children"].iloc[-1]
    return Item(
        table=ReleaseTable(
            "by_setting",
            frame,
            children="n_children",
            derived=("n_episodes",),
            by=("group",),
            total="All",
            additive=True,
            of="n_all",
        ),
        caption=f"Where children went missing from, {facts.span}",
        columns={"group": ("From", "text"), **COUNTS},
        notes=("A child may go missing from more than one setting, so children do not add up.",),
        measures=(
            Measure("children_by_setting", "n_children", "children", ("group",)),
            Measure("episodes_by_setting", "n_episodes", "episodes", ("group",)),
        ),
    )


def _who_headline(treated: Treated, span: str) -> str:
    rows = treated["who"].set_index(["heading", "group"])
    everyone = rows.loc[("Care", "All")]
    if ("Care", "Looked after") not in rows.index:
        return f"{sentence(n_of(everyone['n_children'], 'child', 'children'))} went missing ({span})."
    care = rows.loc[("Care", "Looked after")]
    if not shown(care["n_children"]) or not shown(everyone["n_children"]) or not everyone["n_children"]:
        return f"{sentence(n_of(everyone['n_children'], 'child', 'children'))} went missing ({span})."
    children, episodes = (care[c] / everyone[c] for c in ("n_children", "n_episodes"))
    return f"Looked-after children were {share(children)} of the children and had {share(episodes)} of the episodes ({span})."
