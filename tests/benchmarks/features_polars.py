"""The features in Polars: joins as of a moment, running totals over each child, gathers; all columns in parallel.

The same plan as the one in pandas, in expressions. Polars is no dependency of this project: ``pip install polars``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from missing_patterns import read_codebook
from missing_patterns.features.calendar import read_calendar

HOUR, DAY = 3_600_000_000, 86_400_000_000
NEVER, FAR = -(2**61), 2**61
OFFERED = ["offered_pending", "declined", "accepted_not_held", "completed", "completed_partial", "covered_by_other"]
COMPLETED = ["completed", "completed_partial"]

Frame = Any


def convert(tables: dict[str, pd.DataFrame]) -> dict[str, Frame]:
    """Return the tables as Polars frames; this is not timed."""
    import polars as pl

    done = {}
    for name, table in tables.items():
        columns = {}
        for column in table.columns:
            values = table[column]
            if isinstance(values.dtype, pd.DatetimeTZDtype):
                utc = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
                columns[column] = pl.Series(utc).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/London")
            elif values.dtype.kind == "M":
                columns[column] = pl.Series(values.to_numpy().astype("datetime64[us]"))
            elif values.dtype == object:
                lists = [None if v is None else list(v) for v in values]
                columns[column] = pl.Series(lists, dtype=pl.List(pl.String))
            elif values.dtype.kind in "bif" and not pd.api.types.is_extension_array_dtype(values.dtype):
                columns[column] = pl.Series(values.to_numpy(), nan_to_null=True)
            else:
                plain = values.to_numpy(dtype=object, na_value=None).tolist()
                kinds = {"boolean": pl.Boolean, "Int64": pl.Int64}
                columns[column] = pl.Series(plain, dtype=kinds.get(str(values.dtype), pl.String))
        done[name] = pl.DataFrame(columns)
    return done


def us(name: str) -> Any:
    """Return a stamp as microseconds of UTC."""
    import polars as pl

    return pl.col(name).dt.epoch("us")


def divide(whole: Any, unit: int) -> Any:
    """Divide a series to the last digit; by a single number Polars multiplies with its inverse."""
    import polars as pl

    return whole.cast(pl.Float64) / pl.repeat(float(unit), len(whole), dtype=pl.Float64, eager=True)


def day(name: str) -> Any:
    """Return the London date of a stamp."""
    import polars as pl

    return pl.col(name).dt.date()


def next_midnight(date: Any) -> Any:
    """Return the end of a London date in microseconds of UTC."""
    import polars as pl

    return date.dt.offset_by("1d").cast(pl.Datetime("us")).dt.replace_time_zone("Europe/London").dt.epoch("us")


def known(name: str) -> Any:
    """Return when a stamp was known: the end of the day where only the day is."""
    import polars as pl

    stamp = pl.col(name)
    is_midnight = stamp.dt.replace_time_zone(None) == stamp.dt.date().cast(pl.Datetime("us"))
    return pl.when(is_midnight).then(next_midnight(stamp.dt.date())).otherwise(stamp.dt.epoch("us"))


class Asks:
    """The rows asked about: child and time, in the order of the result."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame

    def last(self, facts: Frame, at: Any = None, strict: bool = False, by: str = "child") -> Frame:
        """Return the position of the last of the facts (sorted by child and time) at or before; null where none is."""
        import polars as pl

        left = self.frame.select(by, at=pl.col("t") if at is None else at)
        right = facts.select(by, "time", position=pl.int_range(pl.len(), dtype=pl.UInt32))
        if at is None or by == "child":
            found = left.join_asof(
                right,
                left_on="at",
                right_on="time",
                by=by,
                strategy="backward",
                allow_exact_matches=not strict,
                check_sortedness=False,
            )
            return found["position"]
        found = left.with_row_index("i").sort("at")
        found = found.join_asof(
            right.sort("time", maintain_order=True),
            left_on="at",
            right_on="time",
            by=by,
            strategy="backward",
            allow_exact_matches=not strict,
            check_sortedness=False,
        )
        return found.sort("i")["position"]

    def count(self, facts: Frame, at: Any = None, strict: bool = True, by: str = "child") -> Frame:
        """Return the number of facts of the child before (or at) the time."""
        import polars as pl

        facts = facts.select(by, "time").sort(by, "time")
        n = facts.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(by)).to_series()
        return n.gather(self.last(facts, at, strict, by)).fill_null(0)

    def count_in(self, facts: Frame, lookbacks: tuple[int, ...], name: str) -> dict[str, Frame]:
        """Return the counts in each lookback, and ever."""
        import polars as pl

        ever = self.count(facts)
        ends = {f"{name}_{d}d": ever - self.count(facts, pl.col("t") - d * DAY) for d in lookbacks}
        return {f"{name}_ever": ever, **ends}


def build(tables: dict[str, Frame], lookbacks: tuple[int, ...] = (28, 90, 365)) -> Frame:
    """Return the feature table at each return."""
    import polars as pl

    ep = (
        tables["episodes"]
        .sort("child_id", "missing_from", "episode_no")
        .with_columns(child=pl.col("child_id").rle_id().cast(pl.Int32), row=pl.int_range(pl.len(), dtype=pl.Int32))
        .with_columns(start=us("missing_from"), end=us("returned_at").fill_null(FAR))
    )
    rows = ep.filter(pl.col("end") < FAR).sort("child", "end", maintain_order=True)
    asks = Asks(rows.select("child", t="end"))
    columns: dict[str, Any] = {
        "child_id": rows["child_id"],
        "episode_id": rows["episode_id"],
        "index_at": rows["returned_at"],
        "episode_no": rows["episode_no"],
        "duration_hours": rows["duration_hours"],
        "gap_days": rows["gap_days"],
        "is_still_missing": pl.Series(np.zeros(len(rows), dtype=bool)),
    }
    columns |= _history(ep, rows, asks, lookbacks)
    columns |= _calendar_columns(rows)
    children = ep.select("child_id", "child").unique()
    columns |= _placement(tables["placements"], children, rows, asks, lookbacks)
    interviews = tables["interviews"].join(children, on="child_id", how="inner", maintain_order="left")
    interviews = interviews.with_row_index("interview").with_columns(
        held=known("held_at").fill_null(FAR),
        put=known("offered_at").fill_null(FAR),
        offered=pl.coalesce(known("offered_at"), known("held_at")).fill_null(FAR),
    )
    links = _link(ep, interviews)
    # Offers are linked by when they were made: what was held later is not known yet.
    offers = _link(ep, interviews.with_columns(held_at=pl.when(pl.col("offered_at").is_null()).then("held_at")))
    columns |= _interviews(ep, interviews, links, offers, asks, lookbacks)
    columns |= _triggers(ep, tables["triggers"], children, links, rows, asks, lookbacks)
    columns |= _places(ep, rows)
    return pl.DataFrame(columns)


def _history(ep: Frame, rows: Frame, asks: Asks, lookbacks: tuple[int, ...]) -> dict[str, Any]:
    import polars as pl

    out = asks.count_in(ep.select("child", time="start"), lookbacks, "n_episodes")
    nights = pl.datetime_range(
        pl.datetime(2015, 1, 1), pl.datetime(2040, 1, 1), "1d", time_unit="us", time_zone="Europe/London", eager=True
    )
    midnights = nights.dt.epoch("us")

    def before(times: Any) -> Any:
        return midnights.search_sorted(times, "left").cast(pl.Int32)

    returned = ep.filter(pl.col("end") < FAR).sort("child", "end", "start").with_columns(time="end")
    ended = (  # one of no length takes no time from another that it lies in
        returned.filter(pl.col("start") < pl.col("end"))
        .with_columns(latest=pl.col("end").cum_max().shift().over("child").fill_null(NEVER))
        .with_columns(since=pl.min_horizontal(pl.max_horizontal("start", "latest"), "end"), time="end")
    )
    ended = ended.with_columns(asleep=before(ended["end"]) - before(ended["since"]))
    ended = ended.with_columns(
        hours=(pl.col("end") - pl.col("since")).cum_sum().over("child"),
        nights=pl.col("asleep").cum_sum().over("child"),
        n=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("child"),
    ).with_columns(begins=pl.int_range(pl.len(), dtype=pl.Int32) - pl.col("n") + 1)
    upto = asks.last(ended)
    hours, slept = ended["hours"].gather(upto).fill_null(0), ended["nights"].gather(upto).fill_null(0)
    begins = ended["begins"].gather(upto)
    for d in lookbacks:
        gone = asks.last(ended, pl.col("t") - d * DAY)
        edge = asks.frame["t"] - d * DAY
        # The edge may lie in the next that ended, if any did by now.
        following = pl.DataFrame({"upto": upto, "gone": gone, "begins": begins}).select(
            pl.when(pl.col("gone").is_null())
            .then("begins")
            .when(pl.col("gone") < pl.col("upto"))
            .then(pl.col("gone") + 1)
        )
        cut_from = ended["since"].gather(following.to_series()).fill_null(FAR)
        cut = pl.DataFrame({"a": cut_from, "edge": edge}).select(pl.max_horizontal("a", "edge")).to_series()
        spent = hours - ended["hours"].gather(gone).fill_null(0) - (cut - cut_from)
        out[f"missing_hours_{d}d"] = divide(spent, HOUR)
        out[f"missing_nights_{d}d"] = (
            slept - ended["nights"].gather(gone).fill_null(0) - (before(cut) - before(cut_from))
        )
    last = asks.last(returned, strict=True)
    out["days_since_return"] = divide(asks.frame["t"] - returned["end"].gather(last), DAY)
    gaps = ep.select("child", "row", gap=(pl.col("gap_days") * DAY).round().cast(pl.Int64)).drop_nulls("gap")
    gaps = gaps.with_columns(running=pl.col("gap").cum_sum().over("child")).with_columns(
        sum=pl.col("running") - pl.col("running").shift(3).over("child").fill_null(0),
        n=pl.int_range(1, pl.len() + 1).over("child").clip(upper_bound=3),
        in_days=divide(gaps["gap"], DAY),
    )
    gaps = gaps.with_columns(mean=divide(gaps["sum"].cast(pl.Float64) / gaps["n"], DAY))
    gaps = gaps.with_columns(trend=pl.col("in_days") - pl.col("mean").shift().over("child"))
    spread = ep.select("child", "row").join(
        gaps.select("row", "mean", "trend"), on="row", how="left", maintain_order="left"
    )
    spread = spread.with_columns(pl.col("mean").forward_fill().over("child"))
    out["mean_gap_days_last3"] = spread["mean"].gather(rows["row"])
    out["gap_trend_days"] = spread["trend"].gather(rows["row"])
    return out


def _calendar_columns(rows: Frame) -> dict[str, Any]:
    import polars as pl

    first, last = rows["missing_from"].min().date(), rows["returned_at"].max().date()
    days = np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1)
    calendar = pl.DataFrame(
        {k: pl.Series(v, nan_to_null=True) for k, v in read_calendar().days(days.astype(np.int64)).items()}
    )
    turns = {"hour": np.arange(1440), "weekday": np.arange(7) / 7, "month": np.arange(12) / 12}
    turns["hour"] = (turns["hour"] // 60 + turns["hour"] % 60 / 60) / 24
    out: dict[str, Any] = {}
    for stamp, prefix in (("missing_from", ""), ("returned_at", "index_")):
        at = pl.col(stamp).dt
        unknown = pl.col("precision").eq_missing("day")
        if prefix:
            unknown = unknown | (at.replace_time_zone(None) == at.date().cast(pl.Datetime("us")))
        minute = at.hour().cast(pl.Int32) * 60 + at.minute()
        where = rows.select(
            hour=pl.when(~unknown).then(minute),
            weekday=at.weekday().cast(pl.Int32) - 1,
            month=at.month().cast(pl.Int32) - 1,
            day=at.date().cast(pl.Int32) - int(days[0].astype(int)),
        )
        for name, turn in turns.items():
            out[f"{prefix}{name}_sin"] = pl.Series(np.sin(2 * np.pi * turn)).gather(where[name])
            out[f"{prefix}{name}_cos"] = pl.Series(np.cos(2 * np.pi * turn)).gather(where[name])
        if prefix:
            out |= {name: calendar[name].gather(where["day"]) for name in calendar.columns}
        else:
            out["is_weekend"] = where["weekday"] >= 5
            out["began_in_school_holiday"] = calendar["is_school_holiday"].gather(where["day"])
            out["began_on_bank_holiday"] = calendar["is_bank_holiday"].gather(where["day"])
    return out


def _placement(spells: Frame, children: Frame, rows: Frame, asks: Asks, lookbacks: tuple[int, ...]) -> dict[str, Any]:
    import polars as pl

    kept = ["placement_type", "provider", "home_id", "legal_status"]
    spells = (
        spells.join(children, on="child_id", how="inner")
        .with_columns(is_longer=pl.col("started_on").ne_missing(pl.col("ended_on")))
        .sort("child", "started_on", "is_longer", *kept, nulls_last=True)
        .with_columns(pl.col(kept).eq_missing(pl.col(kept).shift().over("child")).name.prefix("same_"))
        .with_columns(later=pl.int_range(pl.len()).over("child") > 0)
    )
    only_legal = pl.col("same_placement_type") & pl.col("same_provider") & pl.col("same_home_id")
    spells = spells.with_columns(is_move=pl.col("later") & ~(only_legal & ~pl.col("same_legal_status")))
    spells = spells.with_columns(
        time=next_midnight(pl.col("started_on").dt.date()),
        stay=pl.when(pl.col("is_move") | ~pl.col("later")).then("started_on").forward_fill().over("child"),
    )
    last = asks.last(spells)
    there = spells.select("placement_type", "in_area", "distance_miles", "ended_on", "stay")
    there = there.select(pl.all().gather(last)).with_columns(
        today=rows["returned_at"].dt.date(), has=last.is_not_null(), kind=rows["placement_type"], area=rows["in_area"]
    )
    gone = (pl.col("ended_on").dt.date() < pl.col("today")).fill_null(False)
    now = there.select(
        placement_type=pl.when("has").then(pl.when(~gone).then("placement_type")).otherwise("kind"),
        in_area=pl.when("has").then(pl.when(~gone).then("in_area")).otherwise("area"),
        distance_miles=pl.when(~gone).then("distance_miles"),
        days_in_placement=pl.when(~gone).then((pl.col("today") - pl.col("stay").dt.date()).dt.total_days()),
    )
    out = {name: now[name] for name in now.columns}
    counts = asks.count_in(spells.filter("is_move").select("child", "time"), lookbacks, "n_placement_moves")
    out |= counts
    return out | {f"any_placement_moves_{d}d": counts[f"n_placement_moves_{d}d"] > 0 for d in lookbacks}


def _link(ep: Frame, interviews: Frame) -> Frame:
    """Return pairs of an interview and an episode, as positions."""
    import polars as pl

    held = ep.select("row", "child", "incident_ids").explode("incident_ids").drop_nulls("incident_ids")
    named = interviews.select("interview", "child", "incident_ids").explode("incident_ids").drop_nulls("incident_ids")
    by_incident = named.join(held, on=["incident_ids", "child"], how="inner")
    blank = interviews.filter(pl.col("incident_ids").list.len().fill_null(0) == 0)
    asked = blank.select(
        "interview",
        "child",
        at=pl.coalesce(known("held_at"), known("offered_at")),
        on=pl.coalesce(day("held_at"), day("offered_at")),
    ).drop_nulls("at")
    ended = ep.filter(pl.col("end") < FAR).select("row", "child", "end", back=day("returned_at"))
    last = asked.sort("at").join_asof(
        ended.sort("end", maintain_order=True),
        left_on="at",
        right_on="end",
        by="child",
        strategy="backward",
        check_sortedness=False,
    )
    near = last.filter((pl.col("on") - pl.col("back")).dt.total_days() <= 14)
    pairs = pl.concat([by_incident.select("interview", "row"), near.select("interview", "row")]).unique()
    kept = ["interview", "interview_id", "status", "held", "offered", "held_at", "coded_triggers"]
    return pairs.join(interviews.select(kept), on="interview")


def _interviews(
    ep: Frame, interviews: Frame, links: Frame, offers: Frame, asks: Asks, lookbacks: tuple[int, ...]
) -> dict[str, Any]:
    import polars as pl

    out: dict[str, Any] = {}
    is_completed = pl.col("status").is_in(COMPLETED)
    is_declined = (pl.col("status") == "declined") & (pl.col("put") < FAR)
    for name, which, time in (
        ("offered", pl.col("status").is_in(OFFERED), "offered"),
        ("completed", is_completed, "held"),
        ("declined", is_declined, "put"),
    ):
        facts = interviews.filter(which & (pl.col(time) < FAR)).select("child", time=time)
        counts = asks.count_in(facts, lookbacks, f"n_interviews_{name}")
        counts.pop(f"n_interviews_{name}_ever")
        out |= counts

    pairs = links.join(ep.select("row", "returned_at", "precision", "start"), on="row")
    held_on, back_on = day("held_at"), day("returned_at")
    is_midnight = pl.col("held_at").dt.replace_time_zone(None) == held_on.cast(pl.Datetime("us"))
    by_date = pl.col("precision").eq_missing("day") | is_midnight.fill_null(False)
    hours, days = us("held_at") - us("returned_at"), (held_on - back_on).dt.total_days()
    in_time = pl.when(by_date).then((days >= 0) & (days <= 3)).otherwise((hours >= 0) & (hours <= 72 * HOUR))
    first = pairs.group_by("row").agg(
        completed=pl.col("held").filter(is_completed).min(),
        in_time=pl.col("held").filter(is_completed & in_time).min(),
    )
    put_to = offers.filter(pl.col("status").is_in(OFFERED)).group_by("row").agg(pl.col("offered").min())
    ended = (
        ep.filter(pl.col("end") < FAR)
        .select("child", "row", "start", "end")
        .sort("child", "end", "start")
        .join(first, on="row", how="left", maintain_order="left")
        .join(put_to, on="row", how="left", maintain_order="left")
        .with_columns(time="end", n=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("child").clip(upper_bound=3))
    )
    last = asks.last(ended, strict=True)
    n, t = ended["n"].gather(last), asks.frame["t"]
    for name in ("offered", "completed", "in_time"):
        when = ended.select(
            *(pl.col(name).shift(k).over("child").fill_null(FAR).alias(f"k{k}") for k in range(3))
        ).select(pl.all().gather(last))
        hits = when.select(pl.sum_horizontal((pl.col(f"k{k}") <= t).cast(pl.Int32) for k in range(3))).to_series()
        out[f"share_{name}_last3"] = hits.cast(pl.Float64) / n

    outcomes = pl.concat(
        [
            interviews.filter(is_declined).select("child", time="put", talked=pl.lit(0)),
            interviews.filter(is_completed & (pl.col("held") < FAR)).select("child", time="held", talked=pl.lit(1)),
        ]
    ).sort("child", "time", "talked")
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
    outcomes = outcomes.with_columns(number=number.over("child")).with_columns(
        since=pl.when(pl.col("talked") == 1).then("number").forward_fill().over("child").fill_null(0)
    )
    run = outcomes["number"] - outcomes["since"]
    out["n_declined_in_a_row"] = run.gather(asks.last(outcomes, strict=True)).fill_null(0)

    codes = read_codebook().codes
    lists = pl.col("coded_triggers")
    says = lists.list.eval(pl.element().is_in(codes)).list.any() | (lists.list.len() == 0)
    told = says.fill_null(False) & (pl.col("held") < FAR)
    facts = pairs.filter(told & (pl.col("start") <= pl.col("held")))
    alone = interviews.filter(told).join(facts.select("interview"), on="interview", how="anti")
    once = facts.group_by("row").agg(pl.col("held").min(), pl.col("start").first())
    once = once.join(ep.select("row", "child"), on="row")
    both = pl.concat(
        [once.select("child", "held", event="start"), alone.select("child", "held", event="held")]
    ).with_columns(usable=pl.max_horizontal("held", pl.col("event") + 1))
    ever = asks.count(both.select("child", time="usable"), strict=False)
    for d in lookbacks:
        leaves = both.select("child", time=pl.max_horizontal(pl.col("event") + d * DAY, pl.col("usable") - 1))
        out[f"n_trigger_answers_{d}d"] = ever - asks.count(leaves)
    return out


def _triggers(
    ep: Frame, triggers: Frame, children: Frame, links: Frame, rows: Frame, asks: Asks, lookbacks: tuple[int, ...]
) -> dict[str, Any]:
    import polars as pl

    book = read_codebook()
    names = [*book.codes, *dict.fromkeys(book.domains.values())]
    number = {name: k for k, name in enumerate(names)}
    n_codes = len(book.codes)
    said = (
        triggers.filter(pl.col("status").is_in(["present", "suspected"]) & pl.col("known_at").is_not_null())
        .join(children, on="child_id", how="inner")
        .with_columns(
            x=pl.col("code").replace_strict(number, default=None, return_dtype=pl.Int16),
            domain=pl.col("code").replace_strict(
                {code: number[domain] for code, domain in book.domains.items()}, default=None, return_dtype=pl.Int16
            ),
            known=us("known_at"),
        )
        .drop_nulls("x")
        .select("interview_id", "child", "x", "domain", "known")
    )
    pairs = (
        said.join(links.select("interview_id", "row"), on="interview_id")
        .join(ep.select("row", event="start"), on="row")
        .filter(pl.col("event") <= pl.col("known"))
    )
    alone = said.join(pairs.select("interview_id").unique(), on="interview_id", how="anti")
    facts = []
    for x in ("x", "domain"):
        facts.append(
            pairs.select("row", "child", "event", "known", x=x)
            .group_by("row", "x")
            .agg(pl.col("child", "event").first(), pl.col("known").min())
            .select("row", "x", "child", "event", "known")
        )
        facts.append(
            alone.unique(["interview_id", x]).select(
                pl.lit(None, pl.Int32).alias("row"),
                pl.col(x).alias("x"),
                "child",
                pl.col("known").alias("event"),
                "known",
            )
        )
    fact = pl.concat(facts).with_columns(usable=pl.max_horizontal("known", pl.col("event") + 1))

    now = fact.drop_nulls("row").join(ep.select("row", "end"), on="row").filter(pl.col("usable") <= pl.col("end"))
    now = now.group_by("row").agg((pl.col("x") == k).any().alias(f"any_{x}_this_episode") for k, x in enumerate(names))
    this = rows.select("row").join(now, on="row", how="left", maintain_order="left").drop("row")
    this = this.select(pl.all().fill_null(False))

    t, child = asks.frame["t"], asks.frame["child"]
    days = pl.repeat(float(DAY), len(t), dtype=pl.Float64, eager=True)
    counts = [f"n{k}" for k in range(len(names))]

    def running(time: Any, strict: bool) -> tuple[Frame, Any, Frame]:
        """Return the facts in order, the last of each ask, and the counts up to there: a total over all, less what
        it was before the child's first; a total for each child takes ten times as long."""
        facts = fact.with_columns(time=time).sort("child", "time")
        last = asks.last(facts, strict=strict)
        first = facts.select("child", at=pl.int_range(pl.len(), dtype=pl.UInt32)).unique("child", keep="first")
        upto = pl.DataFrame({"child": child, "last": last}).join(first, on="child", how="left", maintain_order="left")
        upto = upto.select(
            pl.when(pl.col("last").is_not_null() & (pl.col("at") > 0)).then(pl.col("at") - 1)
        ).to_series()
        total = [(pl.col("x") == k).cast(pl.Int32).cum_sum() for k in range(len(names))]
        found = [
            (n.gather(last).fill_null(0) - n.gather(upto).fill_null(0)).alias(name)
            for n, name in zip(total, counts, strict=True)
        ]
        return facts, last, facts.lazy().select(found).collect()

    enters, at, ever = running(pl.col("usable"), False)
    # Child and rank of the event in one number: its running maximum over all facts never mixes children.
    enters = enters.with_columns(rank=pl.col("event").rank("dense").cast(pl.Int64))
    events, span = enters["event"].unique().sort(), enters["event"].n_unique() + 1
    key = pl.col("child").cast(pl.Int64) * span + pl.col("rank")
    own = child.cast(pl.Int64) * span
    latest = [pl.when(pl.col("x") == k).then(key).otherwise(-1).cum_max().gather(at) - own for k in range(len(names))]
    since = enters.lazy().select(found.alias(f"n{k}") for k, found in enumerate(latest)).collect()
    since = since.select(pl.when(pl.all() > 0).then(pl.all() - 1))
    since = since.select(
        ((t - pl.lit(events).gather(pl.col(c))).cast(pl.Float64) / days).alias(f"days_since_{x}")
        for c, x in zip(counts, names, strict=True)
    )
    del enters
    out: dict[str, Any] = {c: this[c] for c in this.columns}
    out |= {f"any_{x}_ever": ever[f"n{k}"] > 0 for k, x in enumerate(names)}
    inside: dict[int, Frame] = {}
    for d in lookbacks:
        gone = running(pl.max_horizontal(pl.col("event") + d * DAY, pl.col("usable") - 1), True)[2]
        inside[d] = ever.select(pl.col(c) - gone[c] for c in counts)
        some = inside[d].select(pl.all() > 0)
        out |= {f"any_{x}_{d}d": some[f"n{k}"] for k, x in enumerate(names)}
    out |= {f"n_{x}_ever": ever[f"n{k}"] for k, x in enumerate(names)}
    for d in lookbacks:
        out |= {f"n_{x}_{d}d": inside[d][f"n{k}"] for k, x in enumerate(names)}
    out |= {c: since[c] for c in since.columns}
    codes = counts[:n_codes]
    most = 1 + max((int(f.select(pl.sum_horizontal(codes).max()).item() or 0) for f in inside.values()), default=0)
    log2 = np.array([0.0] + [math.log2(c) for c in range(1, most + 1)])
    weighted, table = pl.Series(np.arange(most + 1) * log2), pl.Series(log2)
    for d, n in inside.items():
        variety = n.select(
            kinds=pl.sum_horizontal((pl.col(c) > 0).cast(pl.Int32) for c in codes),
            new=pl.sum_horizontal(((pl.col(c) > 0) & (pl.col(c) == ever[c])).cast(pl.Int32) for c in codes),
            total=pl.sum_horizontal(codes),
        )
        spent = pl.Series(np.zeros(len(n)))
        for c in codes:
            spent = spent + weighted.gather(n[c])
        entropy = variety.with_columns(spent=spent, log=table.gather(variety["total"])).select(
            pl.when(pl.col("total") > 0).then(pl.col("log") - pl.col("spent") / pl.col("total"))
        )
        out[f"n_trigger_kinds_{d}d"], out[f"n_new_triggers_{d}d"] = variety["kinds"], variety["new"]
        out[f"trigger_entropy_{d}d"] = entropy.to_series()
    return out


def _places(ep: Frame, rows: Frame) -> dict[str, Any]:
    import polars as pl

    found = pl.col("found_area").is_not_null() & (pl.col("end") < FAR)
    number = pl.int_range(pl.len(), dtype=pl.Int32)
    ep = ep.with_columns(
        home=pl.when(pl.col("home_id").is_not_null()).then(number.over("child", "home_id")),
        place=pl.when(found).then(number.over("child", "found_area", "found_place", found)),
        later=pl.col("start").shift(-1).over("child").fill_null(FAR),
        home_no=pl.col("home_id").rank("dense").cast(pl.Int64),
    ).with_columns(
        ended=pl.when(pl.col("end") < FAR).then("end").otherwise("later"),
        both=pl.col("home_no") * (ep["child"].max() + 1) + pl.col("child"),
    )
    # Where a child was found is known once the child is back: dates may make an earlier absence end later.
    keys = ["child", "found_area", "found_place"]
    known = ep.filter(found).select(*keys, "row", "end", latest=pl.col("end").cum_max().over(keys))
    among = known.filter(pl.col("latest") > pl.col("end")).join(known, on=keys, nulls_equal=True)
    later = among.filter((pl.col("row_right") < pl.col("row")) & (pl.col("end_right") > pl.col("end")))
    later = later.group_by("row").agg(n_later=pl.len().cast(pl.Int32))
    ep = ep.join(later, on="row", how="left", maintain_order="left")
    ep = ep.with_columns(place=pl.col("place") - pl.col("n_later").fill_null(0))
    mine = ep.filter(pl.col("home_id").is_not_null())
    rows = rows.select("row").join(
        ep.select("row", "home", "place", "home_no", "both", "start", "end"),
        on="row",
        how="left",
        maintain_order="left",
    )
    here = rows.filter(pl.col("home_no").is_not_null())
    asks = Asks(here.select("home_no", "both", began="start", t="end"))
    behind = 2 * pl.col("began") + (pl.col("began") < pl.col("t")).cast(pl.Int64)
    ends = 2 * pl.col("ended") + (pl.col("ended") == pl.col("start")).cast(pl.Int64)
    total = None
    for sign, by in ((1, "home_no"), (-1, "both")):
        n = asks.count(mine.select(by, time="start"), pl.col("t"), True, by)
        n = n - asks.count(mine.select(by, time=ends), behind, False, by)
        total = n * sign if total is None else total + n * sign
    together = here.select("row").with_columns(n=total)
    together = rows.select("row").join(together, on="row", how="left", maintain_order="left")
    return {
        "n_earlier_same_home": rows["home"],
        "n_earlier_same_place": rows["place"],
        "n_missing_with": together["n"],
    }
