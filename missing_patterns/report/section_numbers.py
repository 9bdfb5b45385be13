"""How many children and episodes, is it unusual, and who: the counts of the month and of the months before it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from missing_patterns import monitoring
from missing_patterns.disclosure import ReleaseTable
from missing_patterns.report.facts import Facts, between
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.words import month_name, n_of, sentence, shown

COUNTS = {"n_children": ("Children", "count"), "n_episodes": ("Episodes", "count")}
BOTH = (
    Measure("children", "n_children", "children", ("group",)),
    Measure("episodes", "n_episodes", "episodes", ("group",)),
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
        items=(_run_chart(facts), _compared(facts), _new_or_known(facts), _categories(facts)),
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
                "Mean plus or minus 2.66 times the mean step from month to month (an XmR chart), after setting aside steps of more than 3.27 times that mean. With fewer than 12 months the range is a first trial.",
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

    def limits(treated: pd.DataFrame) -> pd.DataFrame:
        # The range is computed from what is published, so that it says nothing about a withheld month.
        chart = monitoring.control_chart(treated, value="n_children").table
        return chart.assign(
            n_children=treated["n_children"].to_numpy(),
            n_episodes=treated["n_episodes"].to_numpy(),
            signal=[_signal(row) for row in chart.itertuples()],
        )

    return Item(
        table=ReleaseTable("children_by_month", months, children="n_children", derived=("n_episodes",), by=("month",)),
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
            Measure("children_by_month", "n_children", "children", ("month",)),
            Measure("episodes_by_month", "n_episodes", "episodes", ("month",)),
        ),
    )


def _signal(row: Any) -> str:
    """The rules that a month takes part in, in a reader's words."""
    high = row.value > row.mean if shown(row.value) else False
    words = {
        "outside": f"{'above' if high else 'below'} the usual range",
        "one_side": f"one of seven or more months in a row {'above' if high else 'below'} the mean",
        "trend": "one of seven or more months in a row that rise or fall",
        "near_limit": f"one of two in three months close to the {'upper' if high else 'lower'} limit",
    }
    return "; ".join(text for rule, text in words.items() if getattr(row, rule))


def _chart_headline(frame: pd.DataFrame) -> str:
    last = frame.iloc[-1]
    name = month_name(pd.Period(last["month"], "M"))
    if not shown(last["n_children"]):
        return f"{name} is withheld: too few children"
    if last["signal"]:
        return f"{name} is {last['signal']}"
    return f"{name} is within the usual range"


def _chart_alt(frame: pd.DataFrame) -> str:
    values = [int(v) for v in frame["n_children"] if shown(v)]
    if not values:
        return "Line of children missing each month. Every month is withheld, because too few children went missing."
    last = frame.iloc[-1]
    return (
        f"Line of children missing each month from {month_name(pd.Period(frame['month'].iloc[0], 'M'))} to "
        f"{month_name(pd.Period(last['month'], 'M'))}. It moves between {min(values)} and {max(values)}; the last month is "
        f"{last['n_children'] if shown(last['n_children']) else 'withheld'}. "
        + (f"The usual range is {last['lower']:.0f} to {last['upper']:.0f}." if shown(last["upper"]) else "")
    ).strip()


def _compared(facts: Facts) -> Item:
    periods = {"This month": facts.month, "Month before": facts.month - 1, "Same month last year": facts.month - 12}
    first = facts.counted["missing_from"].min()
    rows = []
    for label, period in periods.items():
        if pd.isna(first) or period < first.tz_localize(None).to_period("M"):
            continue  # before the records begin, nothing is not the same as none
        rows.append({"group": label, "period": str(period), **count(between(facts.counted, period, period))})
    frame = pd.DataFrame(rows, columns=["group", "period", "n_children", "n_episodes"])
    frame["per_child"] = frame["n_episodes"] / frame["n_children"].where(frame["n_children"] > 0)
    return Item(
        table=ReleaseTable(
            "month_compared",
            frame,
            children="n_children",
            derived=("n_episodes", "per_child"),
            by=("group",),
            labels=("period",),
        ),
        caption="This month beside the month before and the same month last year",
        columns={
            "group": ("Period", "text"),
            "period": ("Month", "month"),
            **COUNTS,
            "per_child": ("Episodes per child", "number"),
        },
        measures=BOTH,
    )


def _new_or_known(facts: Facts) -> Item:
    # build_episodes numbers a child's episodes over all its records, so number 1 marks a child who is new.
    new = set(facts.in_month.loc[facts.in_month["episode_no"] == 1, "child_id"])
    is_new = facts.in_month["child_id"].isin(new)
    frame = pd.DataFrame(
        [
            {"group": "New to the data", **count(facts.in_month[is_new])},
            {"group": "Known before", **count(facts.in_month[~is_new])},
            {"group": "All", **count(facts.in_month)},
        ]
    )
    return Item(
        table=ReleaseTable(
            "new_or_known",
            frame,
            children="n_children",
            derived=("n_episodes",),
            by=("group",),
            total="All",
            additive=True,
        ),
        caption=f"Children new to the data and children known before, {month_name(facts.month)}",
        columns={"group": ("New or known", "text"), **COUNTS},
        measures=BOTH,
    )


def _categories(facts: Facts) -> Item:
    month = between(facts.episodes, facts.month, facts.month)
    labels = {"missing": "Missing", "away": "Away, whereabouts known", "no_apparent_risk": "No apparent risk"}
    category = month["category"].fillna("not recorded").map(lambda c: labels.get(c, "Category not recorded"))
    rows = [
        {"group": label, **count(month[category == label])} for label in [*labels.values(), "Category not recorded"]
    ]
    rows.append({"group": "Any of these", **count(month)})
    return Item(
        table=ReleaseTable(
            "by_category",
            pd.DataFrame(rows),
            children="n_children",
            derived=("n_episodes",),
            by=("group",),
            total="Any of these",
            additive=True,
        ),
        caption=f"Every category of absence, {month_name(facts.month)}",
        columns={"group": ("Category", "text"), **COUNTS},
        notes=("A child with absences of two categories stands in both rows, so children do not add up.",),
        measures=BOTH,
    )


def _headline(treated: Treated, name: str) -> str:
    row = treated["month_compared"].iloc[0]
    text = f"{n_of(row['n_children'], 'child', 'children')} went missing in {name}"
    if shown(row["n_episodes"]):
        text += f", in {n_of(row['n_episodes'], 'episode')}"
    last = treated["children_by_month"].iloc[-1]
    if not shown(last["n_children"]) or not shown(last["upper"]):
        return sentence(text) + "."
    if last["signal"]:
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
        headline=_who_headline,
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
        caption=f"Children and episodes by group, {facts.settings.lookback_months} months to {month_name(facts.month)}",
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
    return Item(
        table=ReleaseTable(
            "by_setting",
            pd.DataFrame(rows),
            children="n_children",
            derived=("n_episodes",),
            by=("group",),
            total="All",
            additive=True,
        ),
        caption=f"Where children went missing from, {facts.settings.lookback_months} months to {month_name(facts.month)}",
        columns={"group": ("From", "text"), **COUNTS},
        notes=("A child may go missing from more than one setting, so children do not add up.",),
        measures=(
            Measure("children_by_setting", "n_children", "children", ("group",)),
            Measure("episodes_by_setting", "n_episodes", "episodes", ("group",)),
        ),
    )


def _who_headline(treated: Treated) -> str:
    rows = treated["who"].set_index(["heading", "group"])
    everyone = rows.loc[("Care", "All")]
    if ("Care", "Looked after") not in rows.index:
        return f"{sentence(n_of(everyone['n_children'], 'child', 'children'))} went missing in the period."
    care = rows.loc[("Care", "Looked after")]
    if not shown(care["n_children"]) or not shown(everyone["n_children"]) or not everyone["n_children"]:
        return f"{sentence(n_of(everyone['n_children'], 'child', 'children'))} went missing in the period."
    children, episodes = (care[c] / everyone[c] for c in ("n_children", "n_episodes"))
    return f"Looked-after children were {children:.0%} of the children and had {episodes:.0%} of the episodes."
