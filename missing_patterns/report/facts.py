"""Everything that the report of one month needs, computed once, before anything is withheld. Never leaves this room."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from missing_patterns import monitoring, patterns, recurrence
from missing_patterns.codebook import Codebook, read_codebook
from missing_patterns.episodes import build_episodes, gap_times, to_counting_process
from missing_patterns.errors import ArgumentRefused
from missing_patterns.report.words import month_name
from missing_patterns.schema import Records, calendar_month, start_of
from missing_patterns.settings import Settings
from missing_patterns.triggers import code_triggers, drop_bare_interviews, link_interviews

#: Triggers of so many recent months are compared with those of so many months before them.
RECENT_MONTHS, EARLIER_MONTHS = 6, 12


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """The tables behind one month's report.

    Parameters
    ----------
    month : pd.Period
        The month reported on.
    records, settings, codebook
        What it is made from.
    episodes : pd.DataFrame
        All episodes that began before the month's end, of every category.
    counted : pd.DataFrame
        Those of the categories that the headline counts; category not recorded counts as missing.
    in_month, lookback : pd.DataFrame
        Of ``counted``: begun in the month, and in the months up to and with it (``settings.lookback_months``).
    links, interviews, triggers : pd.DataFrame
        Interviews, which episodes they cover, and what they name.
    """

    month: pd.Period
    records: Records
    settings: Settings
    codebook: Codebook
    episodes: pd.DataFrame
    counted: pd.DataFrame
    in_month: pd.DataFrame
    lookback: pd.DataFrame
    links: pd.DataFrame
    interviews: pd.DataFrame
    triggers: pd.DataFrame

    @property
    def start(self) -> pd.Timestamp:
        """First moment of the month."""
        return start_of(self.month)

    @property
    def end(self) -> pd.Timestamp:
        """First moment after the month; observation ends here."""
        return start_of(self.month + 1)

    @property
    def lookback_month(self) -> pd.Period:
        """First month of the lookback."""
        return self.month - (self.settings.lookback_months - 1)

    @property
    def span(self) -> str:
        """The lookback in words: "12 months to October 2026", or since when, if the records begin later."""
        first = self.episodes["missing_from"].min().tz_localize(None).to_period("M")
        if first > self.lookback_month:
            if first == self.month:
                return month_name(self.month)
            return f"{month_name(first)} to {month_name(self.month)}"
        return f"{self.settings.lookback_months} months to {month_name(self.month)}"

    @property
    def over(self) -> str:
        """The lookback at the start of a sentence."""
        first = self.span.split(" ")[0]
        if first.isdigit():
            return f"Over the {self.span}"
        return f"From {self.span}" if " to " in self.span else f"In {self.span}"

    def began(self, first: pd.Period, last: pd.Period) -> pd.DataFrame:
        """Counted episodes that began in the months from ``first`` to ``last``."""
        return between(self.counted, first, last)

    def returned(self, first: pd.Period, last: pd.Period) -> pd.DataFrame:
        """Counted episodes from which the child returned in the months from ``first`` to ``last``."""
        return between(self.counted, first, last, by="returned_at")

    def interviews_of(self, episodes: pd.DataFrame) -> pd.DataFrame:
        """Interviews that cover any of these episodes, each once."""
        wanted = self.links.loc[self.links["episode_id"].isin(episodes["episode_id"]), "interview_id"]
        return self.interviews[self.interviews["interview_id"].isin(wanted)].reset_index(drop=True)

    def gaps(self) -> pd.DataFrame:
        """Gap times of the lookback's episodes, observed to the end of the month."""
        return gap_times(self.lookback, observed_until=self.end, children=self.records.children)

    def intervals(self) -> pd.DataFrame:
        """Counting process of the lookback's episodes, from each child's first return in it."""
        return to_counting_process(self.lookback, self.records.children, observed_until=self.end, origin="first_return")

    def ladder(self, episodes: pd.DataFrame) -> monitoring.InterviewLadder:
        """The interview ladder of these episodes."""
        return monitoring.interview_ladder(episodes, self.interviews, self.links, due_hours=self.settings.due_hours)

    def prevalence(self, episodes: pd.DataFrame, level: patterns.Level) -> pd.DataFrame:
        """Trigger shares among the interviews that cover these episodes."""
        return patterns.trigger_prevalence(self.triggers, self.interviews_of(episodes), self.codebook, level=level)

    def gap_curves(self) -> dict[str, recurrence.GapCurve]:
        """The three answers to how soon children go again."""
        gaps = self.gaps()
        return {method: recurrence.gap_curve(gaps, method=method) for method in ("per_child", "first", "pooled")}


def between(episodes: pd.DataFrame, first: pd.Period, last: pd.Period, by: str = "missing_from") -> pd.DataFrame:
    """Return the episodes whose stamp ``by`` lies in the months from ``first`` to ``last``, both included.

    Raises
    ------
    KeyError
        If there is no such column.

    Examples
    --------
    >>> stamps = pd.to_datetime(["2026-07-31 23:59", "2026-08-01 00:00"]).tz_localize("Europe/London")
    >>> july = pd.Period("2026-07", "M")
    >>> len(between(pd.DataFrame({"missing_from": stamps}), july, july))
    1
    """
    stamps = episodes[by]
    inside = (stamps >= start_of(first)) & (stamps < start_of(last + 1))
    return episodes[inside].reset_index(drop=True)


def gather(records: Records, month: str, settings: Settings) -> Facts:
    """Compute the tables behind one month's report.

    Raises
    ------
    ArgumentRefused
        If the month is not written as yyyy-mm, or no episode in the lookback is on file.
    TableRefused
        If a table of the records cannot be used.

    Examples
    --------
    >>> from missing_patterns.settings import read_settings
    >>> one = Records(pd.DataFrame({"child_id": ["A"], "missing_from": ["2026-10-05 21:00"]}))
    >>> len(gather(one, "2026-10", read_settings()).in_month)
    1
    """
    period = calendar_month(month)
    end = start_of(period + 1)
    codebook = read_codebook()
    episodes = build_episodes(records.incidents, settings.merge_gap, observed_until=end, children=records.children)
    counted = episodes[episodes["category"].fillna("missing").isin(settings.count_categories)].reset_index(drop=True)
    first = period - (settings.lookback_months - 1)
    lookback = between(counted, first, period)
    if lookback.empty:
        counted_as = ", ".join(settings.count_categories)
        raise ArgumentRefused(
            f"the records hold no episode of the categories counted ({counted_as}) that began in the "
            f"{settings.lookback_months} months to the end of {month}. See count_categories in the settings."
        )
    links = link_interviews(episodes, records.interviews, within_days=settings.linked_within_days)
    interviews = drop_bare_interviews(records.interviews, links)
    return Facts(
        month=period,
        records=records,
        settings=settings,
        codebook=codebook,
        episodes=episodes,
        counted=counted,
        in_month=between(counted, period, period),
        lookback=lookback,
        links=links[links["interview_id"].isin(interviews["interview_id"])].reset_index(drop=True),
        interviews=interviews,
        triggers=code_triggers(interviews, codebook),
    )
