"""What was found in the files, in words: rules, places and counts, never a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from missing_patterns.cli.words import count, plural

if TYPE_CHECKING:
    from missing_patterns.schema import Records


def unread_tables(records: Records) -> list[str]:
    """Name the files, and sheets of books, that hold a table which no profile fits."""
    from missing_patterns.ingest import NOT_READ

    told = records.accounting[records.accounting["table"] == NOT_READ]
    sheets = told["sheet"].fillna("")
    return [f"{f} [{s}]" if s else str(f) for f, s in zip(told["file"], sheets, strict=True)]


def named(unread: Sequence[str]) -> str:
    more = f" and {len(unread) - 5:,} more" if len(unread) > 5 else ""
    kind = "sheet" if all(name.endswith("]") for name in unread) else "file"
    return f"{count(len(unread), kind)} not read: {', '.join(unread[:5])}{more}"


def severities(problems: Any, kinds: Sequence[str]) -> str:
    return ", ".join(plural(int((problems["severity"] == kind).sum()), kind) for kind in kinds)


def accounting_in_words(accounting: Any) -> Any:
    """The accounting with headings for people; sheets only where there are any."""
    names = {
        "table": "became",
        "n_rows": "rows read",
        "n_accepted": "used",
        "n_quarantined": "set aside",
        "n_not_data": "not data",
    }
    told = accounting.rename(columns=names)
    return told if (accounting["sheet"].fillna("") != "").any() else told.drop(columns="sheet")


def print_problems(problems: Any, limit: int | None) -> None:
    if not len(problems):
        click.echo("No problems were found.")
        return
    click.echo(f"{severities(problems, ('error', 'warning', 'note'))}:")
    order = {"error": 0, "warning": 1, "note": 2}
    kinds = sorted(
        problems.groupby(["severity", "rule"], dropna=False), key=lambda kind: (order[kind[0][0]], -len(kind[1]))
    )
    for (severity, rule), found in kinds:
        click.echo(f"\n{severity.upper()}  {rule}  ({len(found):,})")
        shown = found if limit is None else found.head(limit)
        for row in shown.astype(object).where(shown.notna(), "").itertuples():
            sheet = f" [{row.sheet}]" if row.sheet else ""
            place = f" {row.cell}" if row.cell else (f", line {row.line}" if row.line != "" else "")
            column = f" '{row.column}'" if row.column else ""
            click.echo(f"  {row.file}{sheet}{place}{column}: {row.message} ({row.outcome})")
        if len(found) > len(shown):
            click.echo(f"  ... and {len(found) - len(shown):,} more of this kind (--all prints them).")
