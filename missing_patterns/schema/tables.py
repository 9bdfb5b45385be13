"""The tables: what one row is, which columns it has, what they mean, and which codes they allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "code", "text", "timestamp", "date", "flag", "count", "number", "list"]

CATEGORIES = ("missing", "away", "no_apparent_risk")
PRECISIONS = ("minute", "day")
RISK_LEVELS = ("no_apparent_risk", "low", "medium", "high")
SETTINGS_MISSING_FROM = ("home", "care", "school", "other")
PLACEMENT_TYPES = (
    "foster",
    "kinship",
    "childrens_home",
    "supported_accommodation",
    "secure",
    "residential_school",
    "health",
    "custody",
    "parents",
    "adoption",
    "temporary",
    "other",
)
RETURNED_BY = ("self", "police", "carer", "family", "other")
SEXES = ("female", "male", "other", "not_stated")
CARE_STATUSES = ("looked_after", "child_protection", "child_in_need", "early_help", "none")
EXIT_REASONS = ("turned_18", "left_care", "moved_area", "died", "other")
#: What a spell at risk ends by: an episode, or the end of the child's observation, for this reason.
ENDED_BY = ("episode", "end_of_data", *EXIT_REASONS, "not_recorded")
#: Ends that have nothing to do with the child's risk: had it gone on, the child would still be followed.
ADMINISTRATIVE_ENDS = ("end_of_data", "turned_18")
#: Ends that took the child away; whether such a child would have gone again cannot be known, and is no chance event.
COMPETING_EXITS = ("left_care", "moved_area", "died", "other")
INTERVIEWER_ROLES = (
    "independent_service",
    "local_authority_team",
    "social_worker",
    "youth_worker",
    "school_staff",
    "other",
)
MODES = ("face_to_face", "phone", "video", "other")
ANSWERS = ("no", "suspected", "yes")

#: The ladder of an interview, from nothing due to done. Two "not" rungs are outcomes of the process, not failures.
STATUSES = (
    "not_due",
    "not_required",
    "not_offered_missing_again",
    "not_offered_no_contact",
    "not_offered_other",
    "offered_pending",
    "declined",
    "accepted_not_held",
    "completed",
    "completed_partial",
    "covered_by_other",
    "unknown",
)
NOT_DUE = ("not_due", "not_required")
OFFERED = (
    "offered_pending",
    "declined",
    "accepted_not_held",
    "completed",
    "completed_partial",
    "covered_by_other",
)
HELD = ("completed", "completed_partial", "covered_by_other")

TRIGGER_STATUSES = ("present", "suspected", "denied", "not_recorded")
VOICES = ("child", "carer", "worker", "police", "not_recorded")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, kind, meaning, unit and, for codes, the values allowed."""

    name: str
    kind: Kind
    meaning: str
    allowed: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its name, what one row of it is, its columns, and the column that must be unique, if any."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: str = ""

    @property
    def names(self) -> list[str]:
        """Column names in order.

        Raises
        ------
        Nothing.
        """
        return [c.name for c in self.columns]

    @property
    def required(self) -> list[str]:
        """Names of the columns that must be there.

        Raises
        ------
        Nothing.
        """
        return [c.name for c in self.columns if c.required]


INCIDENTS = Table(
    "incidents",
    "one record of a child missing, as a source wrote it",
    (
        Column("incident_id", "id", "the source's reference, or one made from file and line"),
        Column("child_id", "id", "the child, as the council writes it", required=True),
        Column("missing_from", "timestamp", "start: last seen or due back", required=True),
        Column("returned_at", "timestamp", "end: found or returned; empty = still missing"),
        Column("category", "code", "missing, away (whereabouts known), or no apparent risk", CATEGORIES),
        Column("precision", "code", "whether both stamps hold a time or only a date", PRECISIONS),
        Column("reported_at", "timestamp", "reported to the police or the council"),
        Column("source", "text", "profile that the record was read by"),
        Column("police_ref", "id", "police reference"),
        Column("risk_level", "code", "police grade at the time", RISK_LEVELS),
        Column("missing_from_setting", "code", "where the child went missing from", SETTINGS_MISSING_FROM),
        Column("placement_type", "code", "kind of placement at the start", PLACEMENT_TYPES),
        Column("home_id", "id", "children's home or carer"),
        Column("in_area", "flag", "placed inside the council's own area"),
        Column("placing_authority", "text", "council responsible for the child"),
        Column("returned_by", "code", "who brought the child back", RETURNED_BY),
        Column("found_place", "text", "kind of place where the child was found"),
        Column("found_area", "text", "ward or district where the child was found"),
        Column("absence_id", "id", "the same in records of several sources that are one absence; blank = in one only"),
    ),
    key="incident_id",
)

INTERVIEWS = Table(
    "interviews",
    "one return-interview process; one interview may cover several incidents",
    (
        Column("interview_id", "id", "the source's reference, or one made from the incident's"),
        Column("child_id", "id", "the child", required=True),
        Column("incident_ids", "list", "incidents that it covers, as a tuple of incident_id"),
        Column("status", "code", "rung of the ladder", STATUSES),
        Column("offered_at", "timestamp", "first offered; exactly midnight = only the day is known"),
        Column("held_at", "timestamp", "held; exactly midnight = only the day is known"),
        Column("attempts", "count", "attempts to make contact"),
        Column("declined_reason", "text", "coded reason given for declining"),
        Column("interviewer_role", "code", "who interviewed", INTERVIEWER_ROLES),
        Column("is_independent", "flag", "independent of the placement and the responsible council"),
        Column("mode", "code", "how it was held", MODES),
        Column(
            "coded_triggers",
            "list",
            "codes ticked by the worker, as a tuple; () = asked, none given; None = not recorded",
        ),
        Column("primary_trigger", "code", "the worker's main reason, if one is marked"),
        Column("narrative", "text", "the written account; never leaves the caller's machine"),
        Column("child_considers_missing", "flag", "did the child think that they were missing"),
        Column("harm", "code", "harm before or while away", ANSWERS),
        Column("actions", "list", "actions and referrals, as a tuple"),
    ),
    key="interview_id",
)

CHILDREN = Table(
    "children",
    "one child",
    (
        Column("child_id", "id", "the child", required=True),
        Column("birth_month", "date", "first day of the month of birth"),
        Column("sex", "code", "as recorded", SEXES),
        Column("ethnicity", "code", "SSDA903 ethnic code, in capitals"),
        Column("care_status", "code", "latest social-care status", CARE_STATUSES),
        Column("disability", "flag", "has a disability"),
        Column("uasc", "flag", "unaccompanied asylum-seeking child"),
        Column("observed_from", "date", "first day on which an episode would have been recorded"),
        Column("observed_until", "date", "first day on which one no longer would"),
        Column("exit_reason", "code", "why observation ended", EXIT_REASONS),
    ),
    key="child_id",
)

PLACEMENTS = Table(
    "placements",
    "one spell of a child in one placement",
    (
        Column("child_id", "id", "the child", required=True),
        Column("started_on", "date", "first day", required=True),
        Column("ended_on", "date", "day of leaving; empty = still there"),
        Column("placement_type", "code", "kind of placement", PLACEMENT_TYPES),
        Column("provider", "text", "provider code of the source"),
        Column("home_id", "id", "children's home or carer"),
        Column("legal_status", "code", "SSDA903 legal status"),
        Column("in_area", "flag", "inside the council's own area"),
        Column("distance_miles", "number", "miles from the child's home address"),
    ),
)

EPISODES = Table(
    "episodes",
    "incidents of one child joined where they overlap or touch",
    (
        Column("episode_id", "id", "made from the first incident"),
        Column("child_id", "id", "the child", required=True),
        Column("episode_no", "count", "1 for the child's first episode in the data"),
        Column("missing_from", "timestamp", "start of the first incident", required=True),
        Column("returned_at", "timestamp", "end of the last incident; empty = still missing"),
        Column("duration_hours", "number", "true elapsed hours; whole days apart when precision is day"),
        Column("precision", "code", "day if no time of day is known at either end", PRECISIONS),
        Column("category", "code", "the most serious category among the incidents", CATEGORIES),
        Column("incident_ids", "list", "incidents joined, as a tuple of incident_id"),
        Column("n_incidents", "count", "how many"),
        Column("gap_days", "number", "days from the previous return to this start; empty for a first episode"),
        Column("is_open", "flag", "still missing when observation ended"),
        Column("missing_from_setting", "code", "at the start", SETTINGS_MISSING_FROM),
        Column("placement_type", "code", "at the start", PLACEMENT_TYPES),
        Column("home_id", "id", "at the start"),
        Column("in_area", "flag", "at the start"),
        Column("risk_level", "code", "at the start", RISK_LEVELS),
        Column("returned_by", "code", "of the incident that ended it", RETURNED_BY),
        Column("found_place", "text", "of the incident that ended it"),
        Column("found_area", "text", "of the incident that ended it"),
    ),
    key="episode_id",
)

TRIGGERS = Table(
    "triggers",
    "one code that one interview names, from one origin",
    (
        Column("interview_id", "id", "the interview", required=True),
        Column("child_id", "id", "the child", required=True),
        Column("code", "code", "trigger code of the codebook", required=True),
        Column("status", "code", "what the interview says of it", TRIGGER_STATUSES),
        Column("origin", "code", "ticked in a field, or read from the narrative", ("coded", "narrative")),
        Column("voice", "code", "whose words", VOICES),
        Column("span_start", "count", "first character in the narrative"),
        Column("span_end", "count", "one past the last character"),
        Column("known_at", "timestamp", "when it could first be known: when the interview was held"),
    ),
)

LINKS = Table(
    "links",
    "one pair of an episode and an interview that covers it",
    (
        Column("episode_id", "id", "the episode", required=True),
        Column("interview_id", "id", "the interview", required=True),
        Column("linked_by", "code", "by the incident's reference, or by child and time", ("incident", "time")),
    ),
)

INTERVALS = Table(
    "intervals",
    "one spell of one child at risk of going missing, on (start, stop]",
    (
        Column("child_id", "id", "the child", required=True),
        Column("start", "number", "days since the origin, not yet at risk", required=True),
        Column("stop", "number", "days since the origin", required=True),
        Column("event", "count", "1 if an episode began at stop, else 0", required=True),
        Column("episode_no", "count", "number of the episode that the spell leads up to"),
        Column(
            "ended_by", "code", "an episode, or why observation ended; blank = it goes on in the next row", ENDED_BY
        ),
    ),
)

MATCHES = Table(
    "matches",
    "one pair of incidents of two sources that are the same absence",
    (
        Column("incident_id", "id", "the incident of one source", required=True),
        Column("other_incident_id", "id", "the incident of the other", required=True),
        Column("matched_by", "code", "by a reference that both hold, or by child and time", ("reference", "time")),
        Column("start_apart_minutes", "number", "how far apart the starts are; empty where one holds a date only"),
        Column("end_apart_minutes", "number", "how far apart the returns are; empty where one is not known"),
    ),
)

PROBLEMS = Table(
    "problems",
    "one thing that was found wrong, repaired or doubtful in an input",
    (
        Column("file", "text", "name of the file"),
        Column("sheet", "text", "sheet of a workbook"),
        Column("line", "count", "physical line or row, counted from 1"),
        Column("column", "text", "header in the source"),
        Column("cell", "text", "address such as F17, for a workbook"),
        Column("rule", "code", "name of the rule"),
        Column("severity", "code", "how bad", ("error", "warning", "note")),
        Column("outcome", "code", "what was done", ("repaired", "quarantined", "accepted", "refused")),
        Column("message", "text", "in words, without the value"),
    ),
)

QUARANTINE = Table(
    "quarantine",
    "one source row that was set aside; the row as read follows in further columns, local only",
    (
        Column("file", "text", "name of the file"),
        Column("sheet", "text", "sheet of a workbook"),
        Column("line", "count", "physical line or row, counted from 1"),
        Column("rule", "code", "name of the rule"),
    ),
)

ACCOUNTING = Table(
    "accounting",
    "one table read from one sheet of one file; n_rows = n_accepted + n_quarantined + n_not_data",
    (
        Column("file", "text", "name of the file"),
        Column("sheet", "text", "sheet of a workbook"),
        Column("table", "text", "what the rows became"),
        Column("n_rows", "count", "physical rows read"),
        Column("n_accepted", "count", "rows that became rows of a table"),
        Column("n_quarantined", "count", "rows set aside, each with its reason"),
        Column("n_not_data", "count", "titles, headers, totals and blank rows; every row of a file that was not read"),
    ),
)

TABLES = {
    t.name: t
    for t in (
        INCIDENTS,
        INTERVIEWS,
        CHILDREN,
        PLACEMENTS,
        EPISODES,
        TRIGGERS,
        LINKS,
        INTERVALS,
        MATCHES,
        PROBLEMS,
        QUARANTINE,
        ACCOUNTING,
    )
}
