"""The month: facts are gathered, sections offer their tables to the door, and what comes back becomes a plain dict."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from missing_patterns import __version__
from missing_patterns.disclosure import suppress_tables
from missing_patterns.report import (
    section_absence,
    section_again,
    section_interviews,
    section_numbers,
    section_quality,
    section_repeats,
    section_triggers,
)
from missing_patterns.report.facts import Facts, gather
from missing_patterns.report.model import Section, Treated, keep_totals_together, measures_of
from missing_patterns.report.parts import plain
from missing_patterns.report.words import month_name, share, shown
from missing_patterns.schema import Records
from missing_patterns.settings import Settings, read_settings

#: The report's sections in a reader's order.
SECTIONS: tuple[Callable[[Facts], Section], ...] = (
    section_numbers.how_many,
    section_numbers.who,
    section_repeats.repeats,
    section_repeats.concentration,
    section_again.how_soon,
    section_again.how_often,
    section_absence.how_long,
    section_interviews.interviews,
    section_triggers.triggers,
    section_triggers.types,
    section_absence.when,
    section_quality.quality,
)


#: Sections in the order in which the front page speaks of them: what changed comes first.
_FRONT_PAGE = ("numbers", "triggers", "again", "repeats", "concentration", "interviews", "types")


class Month:
    """The report of one month, ready to be written. Made by :func:`build_month`.

    It holds treated figures only: what the threshold withholds is not in it.

    Parameters
    ----------
    content : dict
        The report as a plain dict: ``title council month month_name period threshold symbol version made_up summary
        key_figures sections measures notes``.

    Raises
    ------
    Nothing.

    Examples
    --------
    See :func:`build_month`.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content

    def __repr__(self) -> str:
        return f"Month {self._content['month']}: {len(self._content['sections'])} sections"

    def to_dict(self) -> dict[str, Any]:
        """Return the report as a plain dict, a copy that may be changed.

        Raises
        ------
        Nothing.
        """
        return copy.deepcopy(self._content)

    def write(self, folder: str | Path) -> list[Path]:
        """Write the report as HTML, Word, Excel and tidy CSV; all are made before any is written.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there. Files of the same names are replaced, each whole.

        Returns
        -------
        list of Path
            ``missing_children_<month>.html``, ``.docx``, ``.xlsx`` and ``_measures.csv``.

        Raises
        ------
        OSError
            If a file cannot be written, for instance because it is open in Excel on Windows.
        """
        from missing_patterns.report.excel import render_excel
        from missing_patterns.report.html import render_html
        from missing_patterns.report.tidy import ENCODING, render_tidy
        from missing_patterns.report.word import render_word

        name = f"missing_children_{self._content['month']}"
        contents = {
            f"{name}.html": render_html(self._content).encode("utf-8"),
            f"{name}.docx": render_word(self._content),
            f"{name}.xlsx": render_excel(self._content),
            f"{name}_measures.csv": render_tidy(self._content).encode(ENCODING),
        }
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return [_write_whole(folder / file, data) for file, data in contents.items()]


def build_month(
    records: Records, month: str, settings: Settings | str | Path | None = None, *, made_up: bool = False
) -> Month:
    """Build the report of one calendar month.

    Episodes count in the month in which they began, in London time; what began after the month's end is left out, and
    a child who returned after it is still missing as far as this report goes. Figures that need more than one month use
    the months before it (``settings.lookback_months``).

    Parameters
    ----------
    records : Records
        From ``read_records`` or ``make_borough(...).records``.
    month : str
        As ``yyyy-mm``.
    settings : Settings or path, optional
        Settings, or the council's TOML file. None takes the defaults.
    made_up : bool, default False
        Whether to say on the report that nobody in it is real.

    Returns
    -------
    Month

    Raises
    ------
    ArgumentRefused
        If the month is not written as yyyy-mm, or the records hold nothing up to its end.
    SettingsRefused
        If the settings cannot be read.
    TableRefused
        If a table of the records cannot be used.
    DisclosureRefused
        If the audit of the treated tables can work out a withheld count. Nothing is written then.

    Examples
    --------
    >>> import missing_patterns as mp
    >>> borough = mp.make_borough(n_children=60, months=12, seed=2)
    >>> report = mp.build_month(borough.records, month="2026-10", made_up=True)
    >>> report
    Month 2026-10: 12 sections
    >>> [report.to_dict()[name] for name in ("title", "threshold", "symbol")]
    ['Children missing, October 2026', 5, 'c']
    """
    settings = settings if isinstance(settings, Settings) else read_settings(settings)
    facts = gather(records, month, settings)
    sections = [make(facts) for make in SECTIONS]
    items = [item for section in sections for item in section.items]
    offered = {item.table.name: item.table for item in items}
    door = suppress_tables(offered.values(), profile=settings.profile, threshold=settings.threshold).require_safe()
    treated = {item.id: item.finish(keep_totals_together(item.table, door[item.table.name])) for item in items}
    lookback = f"{facts.lookback_month} to {facts.month}"
    return Month(
        {
            "title": f"Children missing, {month_name(facts.month)}",
            "council": settings.name,
            "month": str(facts.month),
            "month_name": month_name(facts.month),
            "period": {
                "from": facts.start.date().isoformat(),
                "to": facts.month.end_time.date().isoformat(),
                "lookback_from": facts.lookback_month.start_time.date().isoformat(),
            },
            "threshold": settings.threshold,
            "symbol": "c",
            "version": __version__,
            "made_up": made_up,
            "summary": [
                {"text": text, "section": section.id}
                for section in sorted(sections, key=lambda s: (*_FRONT_PAGE, s.id).index(s.id))
                for text in section.summary(treated)
            ],
            "key_figures": [f | {"value": plain(f["value"])} for f in _key_figures(treated, settings)],
            "sections": [section.to_dict(treated) for section in sections],
            "measures": [
                row for item in items for row in measures_of(item, treated[item.id], str(facts.month), lookback)
            ],
            "notes": _notes(settings),
        }
    )


def _key_figures(treated: Treated, settings: Settings) -> list[dict[str, Any]]:
    month = treated["month_compared"].set_index("group")
    now, before = month.iloc[0], month.loc["Month before"] if "Month before" in month.index else None

    def earlier(column: str) -> str:
        return f"{before[column]} the month before" if before is not None and shown(before[column]) else ""

    soon = None
    if "again_by_day" in treated:
        soon = treated["again_by_day"].set_index(["label", "days"]).loc[(section_again.METHODS["per_child"], 28)]
    last = treated["interview_ladder"].iloc[-1] if "interview_ladder" in treated else None
    figures = [
        {"label": "Children missing", "value": now["n_children"], "note": earlier("n_children"), "section": "numbers"},
        {"label": "Episodes", "value": now["n_episodes"], "note": earlier("n_episodes"), "section": "numbers"},
    ]
    if soon is not None and shown(soon["share_again"]):
        figures.append(
            {
                "label": "Gone again within 28 days",
                "value": share(soon["share_again"]),
                "note": "of children"
                + (f"; 95% interval {share(soon['lower'])} to {share(soon['upper'])}" if shown(soon["lower"]) else ""),
                "section": "again",
            }
        )
    if last is not None and shown(last["share_of_due"]):
        figures.append(
            {
                "label": f"Interviews {last['rung'][:1].lower()}{last['rung'][1:]}",
                "value": share(last["share_of_due"]),
                "note": f"of returns due one, over {settings.lookback_months} months",
                "section": "interviews",
            }
        )
    return figures


def _notes(settings: Settings) -> list[str]:
    return [
        (
            f"Figures about 1 to {settings.threshold - 1} children are withheld and shown as c, with any that would "
            "give them away. A nought is a true nought."
        ),
        "Episodes count in the month in which they began, in London time. What began after the month is left out.",
        "These are patterns over groups, for people to look into. Nothing here ranks or scores a child.",
        "Each report is protected by itself. Compare it with earlier ones with care before publishing both.",
    ]


def _write_whole(path: Path, data: bytes) -> Path:
    """Write beside the target, then move over it, so that no half-written report is ever seen."""
    building = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with building.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)
    return path
