"""Questions 9 and 10: what triggers are named, whether the mix has changed, and which children name like things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from missing_patterns import patterns
from missing_patterns.codebook import Codebook
from missing_patterns.disclosure import ReleaseTable
from missing_patterns.report.facts import EARLIER_MONTHS, RECENT_MONTHS, Facts
from missing_patterns.report.model import Chart, Item, Measure, Section, Treated
from missing_patterns.report.words import after, listed, n_of, round_half_up, share, shown
from missing_patterns.triggers import triggers_known

_CHARTED = 15  # reasons on the chart; the rest stand in a table
_UNPLACED = "In no type with certainty"
_COMPARED = 12  # largest changes in the table
_SURE = 0.05  # largest share of false findings among the changes that are named


def triggers(facts: Facts) -> Section:
    """What interviews name, by domain and by code, and what has changed."""
    by_domain = facts.prevalence(facts.lookback, "domain")
    n_known, n_unknown = (int(by_domain[c].iloc[0]) for c in ("n_known", "n_unknown"))
    common, rest = _codes(facts)
    notes = (_denominator(facts, n_known, n_unknown),)
    return Section(
        id="triggers",
        title="What triggered it",
        question="What do children and workers name as reasons, and has the mix changed?",
        items=(_domains(facts, by_domain, notes), replace(common, notes=notes), rest, _change(facts))
        if n_known
        else (),
        headline=lambda treated: _headline(treated) if n_known else _NONE_KNOWN,
        summary=lambda treated: [*_changed(treated), after(facts.over, _headline(treated))] if n_known else [],
        means=(
            "The share of interviews that name each reason, of those interviews that say anything about reasons. One interview can "
            "name several, so shares add up to more than 100%."
        ),
        does_not_mean=(
            "A reason named is not a cause proved. Children who declined, or whose form was left blank, may have had other "
            "reasons; not recorded is never 'no'. Exploitation is mostly suspected, seldom confirmed."
        ),
        definitions=(
            ("Known", "The interview was held, and its form names at least one reason or says that there was none."),
            (
                "Push and pull",
                "Reasons away from a place, and towards one. Domains group reasons; push or pull is only a view of them.",
            ),
            ("95% interval", "Wilson interval, widened because interviews of one child are alike."),
            (
                "Changed",
                f"The difference stands out after allowing for every reason tried (false discovery rate below {_SURE:.0%}).",
            ),
        ),
    )


_NONE_KNOWN = "No interview in these records says anything about reasons."
_COLUMNS = {
    "n_children": ("Children", "count"),
    "n_interviews": ("Interviews", "count"),
    "share": ("Share of known", "percent"),
    "lower": ("95% from", "percent"),
    "upper": ("95% to", "percent"),
}


def _offered(table: pd.DataFrame, name: str, of: pd.Series) -> ReleaseTable:
    """``of``: the children of whom these are a part; where few are left over, the part is withheld too."""
    table = table.assign(n_children_of=of.to_numpy())
    columns = ["label", "n_children", "n_interviews", "share", "lower_children", "upper_children", "n_children_of"]
    return ReleaseTable(
        name,
        table[columns].rename(columns={"lower_children": "lower", "upper_children": "upper"}),
        children="n_children",
        derived=("n_interviews", "share", "lower", "upper"),
        by=("label",),
        of="n_children_of",
    )


def _withheld_last(frame: pd.DataFrame) -> pd.DataFrame:
    """Shown rows as they come, most named first, then withheld ones by name: their place would say how many."""
    is_shown = frame["share"].map(shown).astype(bool)
    return pd.concat([frame[is_shown], frame[~is_shown].sort_values("label")], ignore_index=True)


def _bars(what: str) -> Chart:
    return Chart(
        "bars",
        headline=lambda t: _top_headline(t, what),
        alt=lambda t: f"Bars of the share of interviews that name each {what}: {_top_said(t)}.",
        options={"x_label": "Share of interviews with known reasons"},
    )


def _domains(facts: Facts, table: pd.DataFrame, notes: Sequence[str]) -> Item:
    return Item(
        table=_offered(table, "trigger_domains", table["n_children_known"]),
        caption=f"Share of interviews that name each kind of reason, {facts.span}",
        columns={"label": ("Kind of reason", "text"), **_COLUMNS},
        after=_withheld_last,
        chart=_bars("kind of reason"),
        notes=notes,
        measures=(Measure("trigger_domain_share", "share", "share", ("label",), "n_interviews"),),
    )


def _codes(facts: Facts) -> tuple[Item, Item]:
    """The reasons named most, with a chart, and the others."""
    table = facts.prevalence(facts.lookback, "code")
    table = table[table["n_interviews"] > 0]
    by_domain = facts.prevalence(facts.lookback, "domain").set_index("domain")["n_children"]
    offered = _offered(table, "trigger_codes", table["domain"].map(by_domain))
    measures = (Measure("trigger_share", "share", "share", ("label",), "n_interviews"),)
    common = Item(
        table=offered,
        view="trigger_codes_common",
        caption=f"Share of interviews that name each reason, {facts.span}",
        columns={"label": ("Reason", "text"), **_COLUMNS},
        after=lambda frame: _rows_shown(_withheld_last(frame)).head(_CHARTED),
        chart=_bars("reason"),
        measures=measures,
    )

    def others(frame: pd.DataFrame) -> pd.DataFrame:
        charted = _rows_shown(_withheld_last(frame)).head(_CHARTED)["label"]
        return _withheld_last(frame[~frame["label"].isin(charted)])

    rest = Item(
        table=offered,
        view="trigger_codes_other",
        caption=f"Reasons named less often, or withheld, {facts.span}",
        columns={"label": ("Reason", "text"), **_COLUMNS},
        after=others,
        notes=("Withheld reasons stand last, in the order of the alphabet.",),
        measures=measures,
    )
    return common, rest


def _denominator(facts: Facts, n_known: int, n_unknown: int) -> str:
    held = facts.interviews_of(facts.lookback)
    held = held[held["status"].isin(("completed", "completed_partial"))]
    is_known = triggers_known(held, facts.codebook)
    children = [held.loc[part, "child_id"].nunique() for part in (is_known, ~is_known)]
    # Both parts are said, or neither, in words that do not tell why: one would give the other away.
    if min(children) < facts.settings.threshold:
        return "Shares are of held interviews whose reasons are known."
    return (
        f"Of {n_known + n_unknown:,} interviews held, reasons are known in {n_known:,}; they are the denominator. In "
        f"{n_unknown:,} no reason is recorded."
    )


def _rows_shown(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["share"].map(lambda v: shown(v) and v > 0).astype(bool)]


def _top_said(frame: pd.DataFrame) -> str:
    top = _rows_shown(frame).head(3)
    return listed([f"{r.label.lower()} {share(r.share)}" for r in top.itertuples()]) or "all are withheld"


def _top_headline(frame: pd.DataFrame, what: str) -> str:
    top = _rows_shown(frame)
    if top.empty:
        return f"Every {what} is withheld: too few children"
    first = top["label"].iloc[0]
    return f"{first} is the {what} named most of those shown, in {share(top['share'].iloc[0])} of interviews"


def _headline(treated: Treated) -> str:
    top = treated["trigger_codes_common"].head(3)
    if top.empty:
        return "What triggered episodes is withheld: too few children."
    said = listed([f"{r.label[:1].lower() + r.label[1:]} ({share(r.share)})" for r in top.itertuples()])
    # A withheld reason may have been named more often, by a few children again and again.
    hidden = any(not shown(v) for v in treated["trigger_codes_other"]["share"])
    which = "The reasons named most, of those that can be shown, are" if hidden else "The reasons named most are"
    return f"{which} {said}, as shares of interviews whose reasons are known."


def _change(facts: Facts) -> Item:
    split = facts.month - (RECENT_MONTHS - 1)
    recent = facts.interviews_of(facts.began(split, facts.month))
    earlier = facts.interviews_of(facts.began(split - EARLIER_MONTHS, split - 1))
    # An interview that covers episodes of both periods belongs to the recent one.
    earlier = earlier[~earlier["interview_id"].isin(recent["interview_id"])].reset_index(drop=True)
    table = patterns.trigger_change(facts.triggers, earlier, recent, facts.codebook)
    both = table[["n_children_earlier", "n_children_recent"]]
    # The smaller group that is not nought decides for the whole row.
    table["n_children"] = both.where(both > 0).min(axis=1).fillna(0).astype("int64")
    frame = table.loc[
        table["q"].notna(),
        ["label", "n_children", "share_earlier", "share_recent", "difference", "lower", "upper", "q"],
    ]
    return Item(
        table=ReleaseTable(
            "trigger_change",
            frame,
            children="n_children",
            derived=("share_earlier", "share_recent", "difference", "lower", "upper", "q"),
            by=("label",),
        ),
        caption=f"Reasons in the last {RECENT_MONTHS} months beside the {EARLIER_MONTHS} months before",
        columns={
            "label": ("Reason", "text"),
            "share_earlier": (f"{EARLIER_MONTHS} months before", "percent"),
            "share_recent": (f"Last {RECENT_MONTHS} months", "percent"),
            "points": ("Change in points", "text"),
            "interval": ("95% interval", "text"),
            "verdict": ("Verdict", "text"),
        },
        after=_with_verdict,
        notes=(
            "Sure changes first, then the largest of the others. Reasons named by too few children in either period are left out; all others were tried, and the verdict allows for that.",
        ),
    )


def _with_verdict(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame[frame["q"].map(shown).astype(bool)].reset_index(drop=True)
    is_sure = kept["q"].astype(float) < _SURE
    # From the shares as they are printed, so that a reader who subtracts gets the same.
    points = [round_half_up(100 * r.share_recent) - round_half_up(100 * r.share_earlier) for r in kept.itertuples()]
    kept = kept.assign(
        points=[_signed(p) for p in points],
        interval=[f"{_signed(100 * r.lower)} to {_signed(100 * r.upper)}" for r in kept.itertuples()],
        verdict=np.where(is_sure, np.where(kept["difference"].astype(float) > 0, "rose", "fell"), "no clear change"),
    )
    # Sure changes first, then the largest of the others.
    return pd.concat([kept[is_sure], kept[~is_sure]]).head(max(_COMPARED, int(is_sure.sum()))).reset_index(drop=True)


def _signed(points: float) -> str:
    rounded = round_half_up(points)
    return f"{rounded:+d}" if rounded else "0"


def _changed(treated: Treated) -> list[str]:
    frame = treated["trigger_change"]
    said = [
        f"{r.label} {r.verdict} from {share(r.share_earlier)} of interviews in the {EARLIER_MONTHS} months before to "
        f"{share(r.share_recent)} in the last {RECENT_MONTHS} months."
        for r in frame[frame["verdict"] != "no clear change"].head(3).itertuples()
    ]
    if said or frame.empty:
        return said
    return [f"No reason that can be shown has clearly changed in the last {RECENT_MONTHS} months."]


def types(facts: Facts) -> Section:
    """Types of children who name like reasons; one type, no stable pattern, is an answer."""
    model = patterns.TriggerTypes(
        max_types=facts.settings.max_types,
        min_share=facts.settings.min_share_types,
        min_children=facts.settings.min_children_types,
        random_state=0,
    )
    interviews = facts.interviews_of(facts.counted)
    # Codes tell types apart better than domains do; domains make the table that people can read.
    model.fit(patterns.child_trigger_counts(facts.triggers, interviews, facts.codebook, level="code"))
    domains = patterns.child_trigger_counts(facts.triggers, interviews, facts.codebook, level="domain")
    one = model.n_types_ == 1
    compared = model.n_children_ >= 2 * facts.settings.min_children_types
    return Section(
        id="types",
        title="Types of children",
        question="Are there groups of children who go missing for like reasons?",
        items=() if one else _profiles(model, domains, facts.codebook),
        headline=lambda treated: _types_headline(treated, one, compared),
        summary=lambda treated: [] if one else [_types_headline(treated, one, compared)],
        means=(
            "Children are grouped by which reasons their interviews name, each child counting once however often it was "
            "interviewed. The bars are the share of interviews with such children that name each kind. Different types may "
            "need different offers."
        ),
        does_not_mean=(
            "A type describes a group. It is no diagnosis, no level of risk and no label for a child, and a child's place in it "
            "is never certain. The words are read off the groups; they do not explain them."
        ),
        definitions=(
            (
                "Type",
                "Latent class: a mixture of binomials over the interviews of each child, the number of classes chosen by BIC, one allowed.",
            ),
            ("Children in it", "Children who belong with at least 80% certainty; the others stand in no type."),
            ("Over", "All interviews with known reasons in the records up to the end of the month."),
        ),
    )


def _profiles(model: patterns.TriggerTypes, counts: patterns.TriggerCounts, codebook: Codebook) -> tuple[Item, Item]:
    table = model.summary()[["type", "share", "n_children", "stands_out", "is_shown"]]
    by_domain = model.profiles_of(counts)
    # Children of each type who name each kind at all: a share about too few of them is withheld.
    placed = model.labels_.reindex(counts.counts.index)
    naming = (counts.counts > 0).groupby(placed).sum().reindex(by_domain.index, fill_value=0).add_prefix("n_")
    table = pd.concat([table, by_domain.reset_index(drop=True), naming.reset_index(drop=True)], axis=1)
    table = table[table["is_shown"]].drop(columns="is_shown")
    table["stands_out"] = [
        listed([codebook.label(w.strip()).lower() for w in str(s).split(";") if w.strip()]) or "nothing"
        for s in table["stands_out"]
    ]
    table = table.sort_values("n_children", ascending=False, ignore_index=True)
    table["type"] = [f"Type {k + 1}" for k in range(len(table))]
    unplaced = {
        "type": _UNPLACED,
        "n_children": int((model.labels_ == -1).sum()),
        "stands_out": "",
        **dict.fromkeys(naming, 0),
    }
    domains = [str(d) for d in by_domain.columns]
    names = {d: codebook.domain_label(d) for d in domains}
    table = pd.concat([table.drop(columns="share"), pd.DataFrame([unplaced])], ignore_index=True)
    offered = ReleaseTable(
        "types",
        table,
        children="n_children",
        by=("type",),
        labels=("stands_out",),
        parts={f"n_{d}": (d,) for d in domains},
    )
    return (
        Item(
            table=offered,
            after=lambda frame: frame.assign(all_records="all records"),
            caption="Types of children, and the reasons that each names more than others do",
            columns={
                "type": ("Type", "text"),
                "stands_out": ("Stands out for", "text"),
                "n_children": ("Children in it", "count"),
            },
            measures=(Measure("children_by_type", "n_children", "children", ("type",), period="all_records"),),
        ),
        Item(
            table=offered,
            view="type_profiles",
            caption="How often interviews with each type name each kind of reason",
            columns={"type": ("Type", "text"), **{d: (name, "percent") for d, name in names.items()}},
            after=lambda frame: frame[frame["type"] != _UNPLACED].reset_index(drop=True),
            chart=Chart(
                "profiles",
                headline=lambda t: f"{len(t)} types of children by the kinds of reason they name",
                alt=lambda t: (
                    "Bars by type and kind of reason. "
                    + " ".join(f"{r.type} stands out for {r.stands_out}." for r in t.itertuples())
                ),
                options={"label": "type", "columns": domains, "names": names},
            ),
        ),
    )


def _types_headline(treated: Treated, one: bool, compared: bool) -> str:
    if one and not compared:
        return "Types were not looked for: reasons are known of too few children."
    if one:
        return "No stable pattern: no division into types describes these children better than one group does."
    frame = treated["types"]
    named = [(r.n_children, r.stands_out) for r in frame.itertuples() if shown(r.n_children)]
    said = [
        f"{stands_out} ({n_of(n, 'child', 'children')})" for n, stands_out in named if stands_out not in ("", "nothing")
    ]
    text = f"Over all the records, children fall into {int((frame['type'] != _UNPLACED).sum())} types by the reasons they name."
    # Two are enough for a sentence; all stand in the table.
    return f"{text} Some stand out for {', others for '.join(said[:2])}." if said else text
