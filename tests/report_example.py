"""One Month, written out by hand, for the tests of the renderers.

Every figure is invented. It holds what a real month may hold: every chart kind, a table without a chart, withheld
cells ("c"), cells that are not recorded (None), a true zero, long text, and text that would do harm in a careless
renderer (markup, a formula, a dollar sign).
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from missing_patterns.report.excel import render_excel
from missing_patterns.report.html import render_html
from missing_patterns.report.word import render_word

HOURS = ["00-05", "06-11", "12-14", "15-17", "18-20", "21-23"]
WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def _column(name: str, label: str, kind: str) -> dict[str, str]:
    return {"name": name, "label": label, "kind": kind}


NUMBERS = {
    "id": "numbers",
    "title": "How many children went missing",
    "question": "How many children and episodes, and is it more than usual?",
    "headline": "41 children went missing in October 2026, more than the usual range of 21 to 39.",
    "items": [
        {
            "chart": {
                "kind": "run_chart",
                "headline": "October is above the usual range",
                "alt": "Line of children missing each month from November 2025 to October 2026. It moves between 24 "
                "and 34 until September and rises to 41 in October, above the upper limit of 39.",
                "options": {"y": "n_children", "y_label": "Children", "marks": "signal"},
            },
            "table": {
                "id": "children_by_month",
                "caption": "Children and episodes by month, with the usual range",
                "columns": [
                    _column("month", "Month", "month"),
                    _column("n_children", "Children", "count"),
                    _column("n_episodes", "Episodes", "count"),
                    _column("mean", "Mean", "number"),
                    _column("lower", "Lower limit", "number"),
                    _column("upper", "Upper limit", "number"),
                    _column("signal", "Signal", "text"),
                ],
                "rows": [
                    ["2025-11", 27, 52, 30.0, 21.2, 38.8, ""],
                    ["2025-12", 24, 47, 30.0, 21.2, 38.8, ""],
                    ["2026-01", 29, 60, 30.0, 21.2, 38.8, ""],
                    ["2026-02", "c", "c", 30.0, 21.2, 38.8, ""],
                    ["2026-03", 31, 66, 30.0, 21.2, 38.8, ""],
                    ["2026-04", 28, 58, 30.0, 21.2, 38.8, ""],
                    ["2026-05", 34, 71, 30.0, 21.2, 38.8, ""],
                    ["2026-06", 30, 64, 30.0, 21.2, 38.8, ""],
                    ["2026-07", 33, 69, 30.0, 21.2, 38.8, ""],
                    ["2026-08", 26, 50, 30.0, 21.2, 38.8, ""],
                    ["2026-09", 32, 68, 30.0, 21.2, 38.8, ""],
                    ["2026-10", 41, 97, 30.0, 21.2, 38.8, "above the limit"],
                ],
                "notes": ["The usual range is the mean plus or minus 2.66 times the mean moving range."],
            },
        }
    ],
    "means": "More children went missing than the ordinary ups and downs of the last year would give.",
    "does_not_mean": "It does not say why. A change in how incidents are recorded looks the same on this chart.",
    "definitions": [
        ["Episode", "Incidents of one child joined where they overlap or touch."],
        ["Usual range", "About 99 months in 100 fall inside it when nothing has changed."],
    ],
}

CONCENTRATION = {
    "id": "concentration",
    "title": "How concentrated it is",
    "question": "Is it a few children, or many?",
    "headline": "A tenth of the children account for 38% of the episodes.",
    "items": [
        {
            "chart": {
                "kind": "lorenz",
                "headline": "A tenth of the children account for 38% of episodes",
                "alt": "Curve of the share of episodes against the share of children, most episodes first. The top "
                "10% of children have 38% of the episodes; equal shares would be a straight line.",
                "options": {},
            },
            "table": {
                "id": "concentration_curve",
                "caption": "Share of episodes by share of children",
                "columns": [
                    _column("share_children", "Share of children", "percent"),
                    _column("share_episodes", "Share of episodes", "percent"),
                ],
                "rows": [[0.0, 0.0], [0.05, 0.24], [0.1, 0.38], [0.2, 0.55], [0.5, 0.81], [1.0, 1.0]],
                "notes": [],
            },
        },
        {
            "table": {
                "id": "episode_bands",
                "caption": "Children by number of episodes in the last 12 months",
                "columns": [
                    _column("band", "Episodes", "text"),
                    _column("n_children", "Children", "count"),
                    _column("n_episodes", "Episodes of these children", "count"),
                    _column("median_days", "Median days to the next episode", "days"),
                ],
                "rows": [
                    ["1", 84, 84, None],
                    ["2", 31, 62, 41.5],
                    ["3 to 9", 27, 120, 14],
                    ["10 or more", "c", "c", "c"],
                ],
                "notes": ["A child with one episode has no next episode."],
            },
        },
    ],
    "means": "Work with the children who go most often would touch a large part of all episodes.",
    "does_not_mean": "Some concentration is always there by chance. It is not a list of children, and gives no score.",
    "definitions": [["Top 10%", "The tenth of children with the most episodes in the last 12 months."]],
}

AGAIN = {
    "id": "again",
    "title": "How soon children go again",
    "question": "After a return, how soon do children go missing again?",
    "headline": "Within 28 days of a return, 31% of children have gone again.",
    "items": [
        {
            "chart": {
                "kind": "step_curve",
                "headline": "31% have gone again within 28 days",
                "alt": "Two rising step curves of the share of children gone again by days since return. Children in "
                "care reach 36% at 28 days, children at home 27%.",
                "options": {"by": "group"},
            },
            "table": {
                "id": "gap_curve",
                "caption": "Share of children gone again, by days since return",
                "columns": [
                    _column("group", "Lives", "text"),
                    _column("days", "Days since return", "days"),
                    _column("at_risk", "Children followed (nearest 5)", "count"),
                    _column("share_again", "Gone again", "percent"),
                    _column("lower", "From", "percent"),
                    _column("upper", "To", "percent"),
                ],
                "rows": [
                    ["in care", 0, 60, 0.0, 0.0, 0.0],
                    ["in care", 7, 50, 0.18, 0.11, 0.27],
                    ["in care", 28, 35, 0.36, 0.27, 0.47],
                    ["in care", 90, 20, 0.52, 0.41, 0.63],
                    ["at home", 0, 85, 0.0, 0.0, 0.0],
                    ["at home", 7, 75, 0.1, 0.06, 0.17],
                    ["at home", 28, 60, 0.27, 0.2, 0.36],
                    ["at home", 90, 40, 0.41, 0.33, 0.51],
                ],
                "notes": [],
            },
        }
    ],
    "means": "The first four weeks after a return are when most of the next episodes begin.",
    "does_not_mean": "The gap between the curves is an association; it does not show that care brings children to go.",
    "definitions": [["Gap time", "Days from a return to the same child's next episode."]],
}

INTERVIEWS = {
    "id": "interviews",
    "title": "Return home interviews",
    "question": "Did each return get an interview within 72 hours?",
    "headline": "43 of 88 interviews due were held, 27 of them within 72 hours.",
    "items": [
        {
            "chart": {
                "kind": "ladder",
                "headline": "Half of the interviews due were held",
                "alt": "Bars that shrink from 92 returns to 88 due, 66 offered, 45 accepted, 43 held and 27 held "
                "within 72 hours.",
                "options": {},
            },
            "table": {
                "id": "interview_ladder",
                "caption": "From return to interview",
                "columns": [
                    _column("rung", "Step", "text"),
                    _column("n_episodes", "Episodes", "count"),
                    _column("n_children", "Children", "count"),
                    _column("share_of_due", "Share of due", "percent"),
                ],
                "rows": [
                    ["Returned", 92, 40, None],
                    ["Due", 88, 39, 1.0],
                    ["Offered", 66, 33, 0.75],
                    ["Accepted", 45, 28, 0.511],
                    ["Held", 43, 27, 0.489],
                    ["Held within 72 hours", 27, 19, 0.307],
                ],
                "notes": ["The time runs from the return. It is not known for 3 records that hold only a date."],
            },
        }
    ],
    "means": "The step that loses most children is from offered to accepted.",
    "does_not_mean": "An interview that was declined is not an interview that was never offered.",
    "definitions": [["Due", "Returned, and the record does not say that no interview was required."]],
}

TRIGGERS = {
    "id": "triggers",
    "title": "Why children go",
    "question": "What are the triggers now, and has the mix changed?",
    "headline": "Conflict at home was named most often, in 14 of 38 interviews.",
    "items": [
        {
            "chart": {
                "kind": "bars",
                "headline": "Conflict at home was named most often",
                "alt": "Horizontal bars of the share of interviews that name each trigger: conflict at home 37%, "
                "friends 29%, placement 24%, school 18%, exploitation withheld, bereavement none.",
                "options": {"label": "trigger", "value": "share", "lower": "lower", "upper": "upper"},
            },
            "table": {
                "id": "trigger_prevalence",
                "caption": "Interviews that name each trigger",
                "columns": [
                    _column("trigger", "Trigger", "text"),
                    _column("n_interviews", "Interviews", "count"),
                    _column("n_known", "Interviews with triggers known", "count"),
                    _column("share", "Share", "percent"),
                    _column("lower", "From", "percent"),
                    _column("upper", "To", "percent"),
                ],
                "rows": [
                    ["Conflict or arguments with parents, carers or others at home", 14, 38, 0.368, 0.234, 0.527],
                    ["Friends, or a girlfriend or boyfriend", 11, 38, 0.289, 0.17, 0.448],
                    ["Unhappy with placement & <rules>", 9, 38, 0.237, 0.13, 0.392],
                    ["School, $money or being bored", 7, 38, 0.184, 0.092, 0.334],
                    ["Exploitation", "c", 38, "c", "c", "c"],
                    ["Bereavement", 0, 38, 0.0, 0.0, 0.092],
                ],
                "notes": ["An interview may name several triggers, so the shares add up to more than 100%."],
            },
        }
    ],
    "means": "These are the reasons that children and carers gave, in interviews that were held.",
    "does_not_mean": "Children who declined may go for other reasons. A trigger named is not a cause shown.",
    "definitions": [["Share", "Interviews naming the trigger, of held interviews whose triggers are known."]],
}

TYPES = {
    "id": "types",
    "title": "Which triggers go together",
    "question": "Are there groups of children who go for different reasons?",
    "headline": "Two groups of children were found that differ in why they go.",
    "items": [
        {
            "chart": {
                "kind": "profiles",
                "headline": "One group goes from home, one goes to friends",
                "alt": "Two types by four trigger domains. Type 1, 58% of children, is high on home. Type 2, 42% of "
                "children, is high on friends and on exploitation.",
                "options": {},
            },
            "table": {
                "id": "trigger_types",
                "caption": "How often each type of child names each kind of trigger",
                "columns": [
                    _column("type", "Type", "text"),
                    _column("Home", "Home", "percent"),
                    _column("Placement", "Placement", "percent"),
                    _column("Friends", "Friends", "percent"),
                    _column("Exploitation", "Exploitation", "percent"),
                ],
                "rows": [["Type 1 (58%)", 0.71, 0.22, 0.18, "c"], ["Type 2 (42%)", 0.19, 0.3, 0.66, 0.41]],
                "notes": [],
            },
        }
    ],
    "means": "The two groups may need different offers.",
    "does_not_mean": "A type is a pattern over many children. No child is put into one here.",
    "definitions": [],
}

CALENDAR = {
    "id": "calendar",
    "title": "When children go",
    "question": "At what time and on which days?",
    "headline": "Most episodes begin in the evening, on Friday above all.",
    "items": [
        {
            "chart": {
                "kind": "heatmap",
                "headline": "Friday evening is the busiest time",
                "alt": "Grid of weekdays by six parts of the day. The highest cells are Friday and Saturday from 18 to "
                "23; mornings are withheld or nought.",
                "options": {},
            },
            "table": {
                "id": "calendar_rates",
                "caption": "Episodes by weekday and hour at which they began, last 12 months",
                "columns": [_column("weekday", "Weekday", "text"), *[_column(h, h, "count") for h in HOURS]],
                "rows": [
                    ["Monday", 7, "c", 8, 14, 19, 17],
                    ["Tuesday", 6, 0, 7, 12, 18, 15],
                    ["Wednesday", 8, "c", 9, 13, 20, 16],
                    ["Thursday", 7, 5, 8, 15, 21, 19],
                    ["Friday", 9, "c", 11, 22, 38, 35],
                    ["Saturday", 16, 6, 12, 18, 31, 33],
                    ["Sunday", 15, "c", 7, 11, 17, 14],
                ],
                "notes": ["Only episodes with a time on record."],
            },
        }
    ],
    "means": "Cover in the evening and at the end of the week meets the most episodes.",
    "does_not_mean": "The hour is when the child was last seen, or noticed to be gone, which may be later.",
    "definitions": [],
}

QUALITY = {
    "id": "quality",
    "title": "Can this month be trusted",
    "question": "How complete are the records?",
    "headline": "Two of 99 rows could not be read; one in five interviews has no trigger on record.",
    "items": [
        {
            "table": {
                "id": "completeness",
                "caption": "How complete each field is, this month",
                "columns": [
                    _column("field", "Field", "text"),
                    _column("n_recorded", "Recorded", "count"),
                    _column("n_rows", "Rows", "count"),
                    _column("share", "Share recorded", "percent"),
                    _column("since", "Recorded since", "month"),
                ],
                "rows": [
                    ["Time of return", 92, 97, 0.948, "2023-11"],
                    ["Police risk level", 60, 97, 0.619, "2024-04"],
                    ['=HYPERLINK("x")', 0, 97, 0.0, None],
                ],
                "notes": [],
            }
        }
    ],
    "means": "The counts above can be used. The shares of triggers rest on four interviews in five.",
    "does_not_mean": "A field that is filled in is not always filled in correctly.",
    "definitions": [],
}

MONTH: dict[str, Any] = {
    "title": "Children who went missing: monthly report",
    "council": "Borough of Exampleton & Sons",
    "month": "2026-10",
    "month_name": "October 2026",
    "period": {"from": "2026-10-01", "to": "2026-10-31", "lookback_from": "2025-11-01"},
    "threshold": 5,
    "symbol": "c",
    "version": "0.1.0",
    "made_up": True,
    "summary": [
        {"text": "41 children went missing 97 times. That is more children than usual.", "section": "numbers"},
        {"text": "A tenth of the children account for 38% of the episodes.", "section": "concentration"},
        {"text": "Within 28 days of a return, 31% of children have gone again.", "section": "again"},
        {"text": "43 of 88 interviews due were held, 27 of them within 72 hours.", "section": "interviews"},
        {"text": "Conflict at home was named most often, in 14 of 38 interviews.", "section": "triggers"},
    ],
    "key_figures": [
        {"label": "Children missing", "value": 41, "note": "32 in September", "section": "numbers"},
        {"label": "Episodes", "value": 97, "note": "68 in September", "section": "numbers"},
        {"label": "Gone again in 28 days", "value": "31%", "note": "95% interval 24% to 39%", "section": "again"},
        {"label": "Held within 72 hours", "value": "27 of 88", "note": "31% of those due", "section": "interviews"},
        {"label": "Away over 7 days", "value": "c", "note": "Fewer than 5 children", "section": "numbers"},
        {"label": "Still missing", "value": None, "note": "No extract of open records", "section": "quality"},
    ],
    "sections": [NUMBERS, CONCENTRATION, AGAIN, INTERVIEWS, TRIGGERS, TYPES, CALENDAR, QUALITY],
    "measures": [
        {"month": "2026-10", "period": "2026-10",
         "measure": "children_missing", "group": "All", "value": 41, "unit": "children",
         "numerator": None, "denominator": None, "suppressed": False},
        {"month": "2026-10", "period": "2026-10",
         "measure": "held_in_72h", "group": "All", "value": 0.307, "unit": "share",
         "numerator": 27, "denominator": 88, "suppressed": False},
        {"month": "2026-10", "period": "2026-10",
         "measure": "trigger_share", "group": "Exploitation", "value": "c", "unit": "share",
         "numerator": "c", "denominator": 38, "suppressed": True},
        {"month": "2026-10", "period": "2026-10",
         "measure": "trigger_share", "group": "=cmd|' /C calc'!A0", "value": 0, "unit": "share",
         "numerator": 0, "denominator": 38, "suppressed": False},
        {"month": "2026-10", "period": "2026-10",
         "measure": "change_on_year", "group": "-5 days, \"quoted\"", "value": -3.25,
         "unit": "percent", "numerator": None, "denominator": None, "suppressed": False},
    ],
    "notes": [
        "Counts are of children and episodes that began in the month, Europe/London time.",
        "Two rows of the extract could not be read and are listed in the local fix list.",
    ],
}  # fmt: skip


def example_month() -> dict[str, Any]:
    """A fresh copy of the example, so that a test may change it."""
    return copy.deepcopy(MONTH)


def tables(month: dict[str, Any]) -> list[dict[str, Any]]:
    """All tables of a Month, in order."""
    return [item["table"] for section in month["sections"] for item in section["items"]]


def charts(month: dict[str, Any]) -> list[dict[str, Any]]:
    """All charts of a Month, in order."""
    return [item["chart"] for section in month["sections"] for item in section["items"] if "chart" in item]


def quiet_month() -> dict[str, Any]:
    """A Month with next to nothing in it: no findings, no council, one empty table, a real borough."""
    month = example_month()
    table = {**tables(month)[2], "rows": [], "notes": []}
    section = {**month["sections"][1], "items": [{"table": table}], "definitions": []}
    return {
        **month,
        "council": "",
        "made_up": False,
        "summary": [],
        "key_figures": [],
        "sections": [section],
        "notes": [],
    }


@functools.cache
def rendered_html() -> str:
    """The example as a page, rendered once for all tests."""
    return render_html(example_month())


@functools.cache
def rendered_word() -> bytes:
    """The example as a document, rendered once for all tests."""
    return render_word(example_month())


@functools.cache
def rendered_excel() -> bytes:
    """The example as a workbook, rendered once for all tests."""
    return render_excel(example_month())
