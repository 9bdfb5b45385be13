"""What the reconciliation found: side by side, child by child, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What is counted, each within the window.
MEASURES = {
    "absences": "absences that began in it",
    "children": "children with at least one",
    "missing": "of the absences: missing",
    "away": "of the absences: away",
    "no_apparent_risk": "of the absences: no apparent risk",
    "blank": "of the absences: type not recorded",
    "offered_last": "children offered an interview after their last absence",
    "accepted_last": "children who accepted it",
}
_KINDS = {
    "missing": "missing",
    "away": "away",
    "no_apparent_risk": "without apparent risk",
    "blank": "without a type",
}
#: Why a system may count other than the episodes do, and what that means.
REASONS = {
    "joined": "several records of one absence that overlap are one episode",
    "elsewhere": "recorded in another system only",
    "category": "missing in one system is away or no apparent risk in the other",
    "outside_placement": "began outside a placement, and the return is about children in care only",
    "not_on_list": "the child is not on the list, which was drawn of the children then in care",
    "date_only": "a system that writes dates only has it under a day next to it, so it stands as two",
    "window_edge": "began in the window, or in the collection year, by one system's dates only",
    "grouped": "nobody has more than 1: the query groups by the number of the record and counts within the group",
    "last_interview": "the last absence, or the interview after it, is another one there",
    "not_answered": "the list leaves it blank, or says unknown",
    "unexplained": "none of these gives the number",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Reconciliation:
    """What each system makes of the absences of 12 months. Made by :func:`missing_patterns.reconcile`.

    Parameters
    ----------
    counts : pd.DataFrame
        One row per system, measure and child: ``measure child_id n system``; the system of the episodes is "".
    parts : pd.DataFrame
        One row per system, measure, child and reason: ``system measure child_id reason n``.
    recorded : mapping of str to frozenset of str
        Which measures each system records.
    since, until : pd.Timestamp
        The window: ``[since, until)``.

    Raises
    ------
    Nothing.
    """

    counts: pd.DataFrame
    parts: pd.DataFrame
    recorded: Mapping[str, frozenset[str]]
    since: pd.Timestamp
    until: pd.Timestamp

    def __repr__(self) -> str:
        n = self._totals("")
        left = int((self.parts["reason"] == "unexplained").sum())
        absences = f"{n['absences']:,} absence{'' if n['absences'] == 1 else 's'}"
        children = f"{n['children']:,} child{'' if n['children'] == 1 else 'ren'}"
        systems = ", ".join(self.recorded) or "none"
        return (
            f"Reconciliation: {absences} of {children} in 12 months to {self._last_day()}; "
            f"systems: {systems}; unexplained: {left:,}"
        )

    def _last_day(self) -> str:
        return str((self.until - pd.Timedelta(microseconds=1)).date())

    def _totals(self, system: str) -> dict[str, int]:
        mine = self.counts[self.counts["system"] == system].groupby("measure")["n"].sum()
        return {m: int(mine.get(m, 0)) for m in MEASURES}

    def summary(self) -> pd.DataFrame:
        """Return the systems side by side.

        Returns
        -------
        pd.DataFrame
            One row per measure: ``measure meaning``, a column per system, and ``recomputed``: what the records of all
            systems together show. Not recorded is NA. Numbers are not withheld: this table is not for publishing.

        Raises
        ------
        Nothing.
        """
        table = pd.DataFrame({"measure": list(MEASURES), "meaning": list(MEASURES.values())})
        for system, measures in self.recorded.items():
            totals = self._totals(system)
            table[system] = pd.array([totals[m] if m in measures else None for m in MEASURES], dtype="Int64")
        totals = self._totals("")
        return table.assign(recomputed=pd.array([totals[m] for m in MEASURES], dtype="Int64"))

    def differences(self) -> pd.DataFrame:
        """Return the children and measures that differ. It names children: keep it where the records are kept.

        Returns
        -------
        pd.DataFrame
            One row per system, measure and child: ``system measure child_id counted recomputed difference
            explanation``. The explanation names each reason with its part of the difference, such as
            ``joined (+2), elsewhere (-1)``; a difference of 0 is one whose parts cancel.

        Raises
        ------
        Nothing.
        """
        columns = ["system", "measure", "child_id"]
        if not len(self.parts):
            names = [*columns, "counted", "recomputed", "difference", "explanation"]
            return pd.DataFrame({n: pd.Series(dtype="Int64" if n in names[3:6] else object) for n in names})
        words = self.parts.assign(
            explanation=[f"{r} ({n:+d})" for r, n in zip(self.parts["reason"], self.parts["n"], strict=True)]
        )
        told = words.groupby(columns, sort=True)["explanation"].agg(", ".join).reset_index()
        n = self.counts.groupby(columns)["n"].sum()
        for name, systems in (("counted", told["system"]), ("recomputed", [""] * len(told))):
            key = pd.MultiIndex.from_arrays([systems, told["measure"], told["child_id"]])
            told[name] = n.reindex(key).fillna(0).astype("Int64").to_numpy()
        told["difference"] = told["counted"] - told["recomputed"]
        return told[[*columns, "counted", "recomputed", "difference", "explanation"]]

    def explained(self) -> pd.DataFrame:
        """Return the differences of each system and measure, taken apart by reason.

        Returns
        -------
        pd.DataFrame
            One row per system and measure that the system records: ``system measure counted recomputed difference``,
            then a column per reason of ``REASONS``, the last of which is ``unexplained``. They add up to
            ``difference``.

        Raises
        ------
        Nothing.
        """
        ours = self._totals("")
        sums = self.parts.groupby(["system", "measure", "reason"], observed=True)["n"].sum().to_dict()
        lines = []
        for system, measures in self.recorded.items():
            theirs = self._totals(system)
            for measure in (m for m in MEASURES if m in measures):
                line: dict[str, object] = {"system": system, "measure": measure, "counted": theirs[measure]}
                line |= {"recomputed": ours[measure], "difference": theirs[measure] - ours[measure]}
                lines.append(line | {r: int(sums.get((system, measure, r), 0)) for r in REASONS})
        names = ["system", "measure", "counted", "recomputed", "difference", *REASONS]
        return pd.DataFrame(lines, columns=names)

    def explain(self) -> str:
        """Say in plain English what was compared, on how many, and what it does not mean.

        Raises
        ------
        Nothing.
        """
        n = self._totals("")
        kinds = ", ".join(f"{n[m]:,} {_KINDS[m]}" for m in _KINDS)
        window = f"began from {self.since.date()} to {self._last_day()}"
        whole = f"{n['absences']:,} absences of {n['children']:,} children"
        said = [f"All records together show {whole} that {window}: {kinds}."]
        table = self.explained()
        for system in self.recorded:
            mine = table[table["system"] == system].set_index("measure")
            measure = "absences" if "absences" in mine.index else next(iter(mine.index))
            row = mine.loc[measure]
            reasons = [f"{row[r]:+,} {REASONS[r]}" for r in REASONS if row[r] and r != "unexplained"]
            what = MEASURES[measure] if measure != "absences" else "absences"
            line = f"{system}: {row['counted']:,} {what}, {row['difference']:+,} against {row['recomputed']:,}"
            line += (
                f" ({'; '.join(reasons)}; unexplained {row['unexplained']:+,})." if row[list(REASONS)].any() else "."
            )
            said.append(line)
        said += [
            "What Annex A says of interviews is about the last absence only, so no rate by absence follows from it.",
            "Whether an absence is written as missing or away is a habit of recording and differs between systems.",
            "That two numbers agree does not show that they count the same children.",
            "A reason fits the numbers but may not be what happened: look at the records before a return is changed.",
            "Small numbers are not withheld here: do not publish them.",
        ]
        return "\n".join(said)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the absences that each system counts as bars, by category, with the recomputed ones below.

        Raises
        ------
        Nothing.
        """
        if ax is None:
            from matplotlib import pyplot as plt

            _, ax = plt.subplots(layout="constrained")
        table = self.summary().set_index("measure")
        systems = [s for s in [*self.recorded, "recomputed"] if not pd.isna(table.at["absences", s])]
        left = [0] * len(systems)
        shades = {"missing": "#12436D", "away": "#28A197", "no_apparent_risk": "#A285D1", "blank": "#BFBFBF"}
        for measure, colour in shades.items():
            sizes = [0 if pd.isna(n := table.at[measure, s]) else int(n) for s in systems]
            if any(sizes):
                label = "type not recorded" if measure == "blank" else measure.replace("_", " ")
                ax.barh(systems, sizes, left=left, color=colour, edgecolor="white", label=label)
                left = [a + b for a, b in zip(left, sizes, strict=True)]
        for y, (system, end) in enumerate(zip(systems, left, strict=True)):
            ax.annotate(f"{table.at['absences', system]:,}", (end, y), (4, 0), textcoords="offset points", va="center")
        ax.invert_yaxis()
        ax.margins(x=0.12)
        ax.set_xlabel(f"Absences that began in 12 months to {self._last_day()}")
        ax.set_title("What each system counts of the same absences", loc="left")
        if any(left):
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, frameon=False)
        return ax
