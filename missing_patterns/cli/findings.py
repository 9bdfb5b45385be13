"""What was found in the files, in words: rules, places and counts, never a value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from missing_patterns.cli.words import count, plural

if TYPE_CHECKING:
    from missing_patterns.errors import DataRefused
    from missing_patterns.schema import Records

_DATES = ("MP-DATE-ORDER-PROVEN", "MP-DATE-ORDER-UNPROVEN")


def unread_tables(records: Records | None) -> list[str]:
    """Name the files, and sheets of books, that hold a table which no profile fits."""
    from missing_patterns.ingest import NOT_READ

    if records is None:
        return []
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


def print_summary(records: Records | None, refused: Sequence[DataRefused]) -> None:
    """Print what became of each file, how dates were read, and how often each rule was broken or applied."""
    _print_files(records, refused)
    if records is None:
        return
    told = records.problems.astype(object).where(records.problems.notna(), "")
    is_date = told["rule"].isin(_DATES)
    if is_date.any():
        click.echo("\nDates (day first, unless a profile says otherwise):")
        for row in told[is_date].itertuples():
            doubt = "" if row.rule == _DATES[0] else "NOT PROVEN, check a few by eye: "
            click.echo(f"  {_place(row)}: {doubt}{row.message.partition(': ')[2]}")
    is_note = told["severity"] == "note"
    kinds = {
        "Left out of every figure until it is corrected": told["outcome"].isin(["quarantined", "refused"]),
        "Doubtful, please look": told["severity"] == "warning",
        "Repaired, nothing to do": is_note & (told["outcome"] == "repaired"),
        "Noted, nothing to do": is_note & (told["outcome"] != "repaired"),
    }
    for heading, which in kinds.items():
        _print_counts(heading, told[which & ~is_date])


def _print_files(records: Records | None, refused: Sequence[DataRefused]) -> None:
    click.echo("Files:")
    parts = [part for error in refused for part in error.parts]
    for part in parts:
        place = part.file + (f" [{part.sheet}]" if part.sheet else "")
        line = f"line {part.line}: " if part.line is not None else ""
        rule = f" ({part.rule})" if part.rule else ""
        click.echo(f"  {place or 'All files'}: REFUSED, nothing of it was used. {line}{part.told}{rule}")
    if records is None:
        return
    from missing_patterns.ingest import NOT_READ

    for row in records.accounting.fillna({"sheet": ""}).itertuples():
        place = f"{row.file}{f' [{row.sheet}]' if row.sheet else ''}"
        if row.table == NOT_READ:
            click.echo(f"  {place}: NOT READ, no profile fits; {plural(row.n_rows, 'row')}")
            continue
        aside = f", {row.n_quarantined:,} set aside" if row.n_quarantined else ""
        click.echo(f"  {place}: read as {row.table}; {plural(row.n_accepted, 'row')} used{aside}")


def _print_counts(heading: str, problems: Any) -> None:
    """Print one line per rule: in how many rows, or columns or files as a whole, and in which columns."""
    if not len(problems):
        return
    click.echo(f"\n{heading}:")
    lines = []
    for (rule, what), found in problems.groupby(["rule", problems["message"].str.partition(": ")[0]], sort=False):
        by_row = found["line"] != ""
        n = int(by_row.sum()) or len(found)
        kind = "row" if by_row.any() else "column" if (found["column"] != "").all() else "time"
        columns = [c for c in dict.fromkeys(found["column"]) if c]
        where = (
            f" in {', '.join(repr(c) for c in columns[:3])}{' and others' if columns[3:] else ''}" if columns else ""
        )
        told = found["message"].iat[0] if len(found) == 1 else what
        lines.append((n, f"{plural(n, kind):>14}  {rule}{where}: {told}"))
    for _, line in sorted(lines, key=lambda item: -item[0]):
        click.echo(line)


def _place(row: Any) -> str:
    sheet = f" [{row.sheet}]" if row.sheet else ""
    place = f" {row.cell}" if row.cell else (f", line {row.line}" if row.line != "" else "")
    return f"{row.file or 'All files'}{sheet}{place}" + (f" '{row.column}'" if row.column else "")


def print_problems(problems: Any, limit: int | None) -> None:
    """Print where each problem is, errors first; without a limit, the notes too."""
    if not len(problems):
        click.echo("No problems were found.")
        return
    click.echo(f"{severities(problems, ('error', 'warning', 'note'))}:")
    order = {"error": 0, "warning": 1, "note": 2}
    kinds = sorted(
        problems.groupby(["severity", "rule"], dropna=False), key=lambda kind: (order[kind[0][0]], -len(kind[1]))
    )
    for (severity, rule), found in kinds:
        if severity == "note" and limit is not None:
            continue
        click.echo(f"\n{severity.upper()}  {rule}  ({len(found):,})")
        shown = found if limit is None else found.head(limit)
        for row in shown.astype(object).where(shown.notna(), "").itertuples():
            click.echo(f"  {_place(row)}: {row.message} ({row.outcome})")
        if len(found) > len(shown):
            click.echo(f"  ... and {len(found) - len(shown):,} more of this kind (--all prints them).")
