"""The folder ``synthetic_data``: one small borough as files, its truth, and a data card that is printed by code."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from missing_patterns.synthetic import parameters as p
from missing_patterns.synthetic.borough import Borough, make_borough
from missing_patterns.synthetic.files import to_csv

#: The small borough of the folder, and the big one that the calibration is measured on. Sixty children are few enough
#: for a seed to give almost anything; of the first 79, this is one of those nearest to the published figures.
SMALL = {"n_children": 60, "months": 12, "seed": 11}
BIG = {"n_children": 3000, "months": 36, "seed": 1}
ENDS_ON = "2026-10-31"

CARD = """\
# Data card: a made-up borough

**No real person is in these files.** Every child, date and sentence was drawn by a random number generator from
published totals and from phrases of our own. No record of any council, police force or charity was used or seen.

## What is here

{contents}

All files describe the same absences of the same children, from {observed_from} to {ends_on}: {n_children} children,
{n_incidents} absences, {n_interviews} interview records. Only children with at least one absence are on file.
Written by `missing_patterns.synthetic.write_synthetic_data("synthetic_data")`; a test writes it again and compares.

- The tracker is untidy on purpose: a title above the header, real dates beside dates typed as text, several triggers
  in one cell worded as forms word them, blank fields, and a total row.
- SSDA903 files hold dates only, and only absences that began in a placement. The returns have no code for "no apparent
  risk"; such absences stand there, and in `ssd_missing.csv`, as away.
- `truth_children.csv`: one row per child. `type` is the mix of triggers that the child's absences come from;
  `rate_per_year` the spontaneous rate at the age of most; `drawn_in` marks those who came with the planted change.
- `truth_episodes.csv`: one row per true absence, with its true triggers (separated by semicolons); `is_boost` says that
  the short-run boost of an earlier one brought it.
- `truth_mentions.csv`: what each written account says of which trigger: present, suspected or denied.

## How it is made

1. **How often.** Child *i* goes spontaneously at a rate that is lognormal over all children of the borough: median
   {median} a year at the age of most, sigma {sigma}, at most {cap:.0f}. Most of them never go and are not on file.
2. **Short-run boost.** Each absence brings {alpha} others on average, {tau:.0f} days after the return on average.
   Lognormal rates with such a boost reproduce both how concentrated absences are and how soon the next one comes;
   rates that differ between children but not in time do not.
3. **Who.** Ages 8 to 17, most at 14 to 17; observation ends at 18. The higher the rate, the likelier a child is looked
   after. Six types of children have different mixes of 41 triggers, and each child strays from its type:
   {types}.
4. **When.** Evenings, Fridays and Saturdays; from children's homes most of all between 22:00 and 01:00.
5. **How long.** By type; four in five back within 24 hours.
6. **Interviews.** Due, offered, taken or declined, held, within 72 hours or not; the odds of an offer are halved for
   looked-after children placed outside the area. A child who goes again first may have one interview for both.
7. **What is left blank.** Trigger fields are blank more often for short absences, children of 16 and 17, partial
   interviews and placements outside the area: not at random. Ticks miss some true triggers and name a few false ones.

## What was planted

- **Trend**: the number of children at risk grows by {growth:.0%} a year, their rates unchanged.
- **Change**: from {change_on}, {change_children} children newly drawn into criminal exploitation, with
  {change_episodes} absences by the end.

## Calibration

Measured on a borough of {big_children:,} children over {big_months} months made by the same code, in whole years before
the change; beside it this small borough, whose seed was chosen from 79 for coming near, and which still misses some
figures by chance. Tolerances are either side of the target.

{table}

## Known limits

- Calibrated to abstracts, official summaries and answers to information requests, **not fitted to records**. Agreement
  with a published total says nothing about what was not published. Results on it are no evidence about real children.
- The published figures contradict each other in places: 6.3 absences per looked-after child (DfE) and 2.27 per child
  over all (one force) cannot both hold with the published share of looked-after children. The figure for looked-after
  children is below DfE's for that reason.
- A child's rate changes only with age. Real children have good and bad spells, which look like a boost.
- No school terms or holidays, no children who go together by arrangement, no duplicate reports, no open case that
  nobody closed, no children unknown to the council. The hours at which the clock changes are avoided.
- The written accounts are assembled from few phrases and are far more regular than real ones: anything that reads them
  will look better here than on a council's own.
- Types are sharper than life.
"""

CONTENTS = (
    ("borough/return_interviews.xlsx", "the tracker of absences and return interviews"),
    ("borough/Missing.csv, Header.csv, Episodes.csv", "SSDA903, looked-after children only"),
    ("borough/ssd_missing.csv", "Standard Safeguarding Dataset, all children"),
    ("truth_children.csv, truth_episodes.csv, truth_mentions.csv", "what is true of them"),
)


def write_synthetic_data(folder: str | Path) -> list[Path]:
    """Write the small borough, its truth and the data card; the same bytes each time.

    Parameters
    ----------
    folder : str or Path
        Such as ``"synthetic_data"``; made if it is not there.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_synthetic_data(folder)][-1]
    'data_card.md'
    """
    folder = Path(folder)
    borough = make_borough(**SMALL, ends_on=ENDS_ON)
    paths = borough.write(folder / "borough")
    truth = borough.truth
    for name, frame in (("children", truth.children), ("episodes", truth.episodes), ("mentions", truth.mentions)):
        paths.append(folder / f"truth_{name}.csv")
        rows = [[_cell(v) for v in row] for row in frame.astype(object).itertuples(index=False)]
        paths[-1].write_bytes(to_csv(frame.columns, rows))
    paths.append(folder / "data_card.md")
    paths[-1].write_bytes(data_card(borough).encode("utf-8"))
    return paths


def data_card(borough: Borough) -> str:
    """Return the data card of a borough, as Markdown.

    Raises
    ------
    Nothing.
    """
    known = borough.truth.parameters
    change = known["change"] or {"on": "(none)", "n_children": 0, "n_episodes": 0}
    return CARD.format(
        contents=_markdown(pd.DataFrame(CONTENTS, columns=["file", "what it is"])),
        observed_from=known["observed_from"],
        ends_on=known["ends_on"],
        n_children=known["n_children"],
        n_incidents=len(borough.records.incidents),
        n_interviews=len(borough.records.interviews),
        median=p.RATE_MEDIAN,
        sigma=p.RATE_SIGMA,
        cap=p.RATE_CAP,
        alpha=p.BOOST_ALPHA,
        tau=p.BOOST_TAU_DAYS,
        types=", ".join(p.TYPE_SHARES).replace("_", " "),
        growth=p.GROWTH_PER_YEAR,
        change_on=change["on"],
        change_children=change["n_children"],
        change_episodes=change["n_episodes"],
        big_children=BIG["n_children"],
        big_months=BIG["months"],
        table=_markdown(_side_by_side(_calibration_of_big(), borough.truth.calibration())),
    )


@cache
def _calibration_of_big() -> pd.DataFrame:
    return make_borough(**BIG, ends_on=ENDS_ON).truth.calibration()


def _side_by_side(big: pd.DataFrame, small: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "figure": big["measure"],
            "target": big["target"].map("{:.3g}".format),
            "tolerance": big["tolerance"].map("{:.3g}".format),
            "achieved": big["achieved"].map("{:.3f}".format),
            "within": big["ok"].map({True: "yes", False: "NO"}),
            "small borough": small["achieved"].map("{:.2f}".format),
            "source": big["source"],
        }
    )


def _markdown(frame: pd.DataFrame) -> str:
    lines = [list(frame.columns), ["---"] * len(frame.columns), *frame.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return ";".join(value)
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value.tzinfo is None else value.isoformat(timespec="minutes")
    return "" if value is pd.NaT else str(value)
