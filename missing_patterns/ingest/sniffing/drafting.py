"""The profile that sniff writes: what it takes a file for, as TOML to check and edit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from missing_patterns.ingest.profiles.fields import TRIGGER_FIELDS, TableProfile, fields_of, head
from missing_patterns.ingest.profiles.profile import shared_values

if TYPE_CHECKING:
    from missing_patterns.ingest.sniffing.sniff import SheetGuess

#: Fewest fields by which a table is told from others.
_TOLD_BY = 2


def draft(file: str, sheets: Sequence[SheetGuess], meaning_of: Mapping[str, str]) -> str:
    """Write a profile that reads a file as it was guessed.

    Parameters
    ----------
    file : str
        Its name.
    sheets : sequence of SheetGuess
        What was guessed.
    meaning_of : mapping of field to str
        What each field means.

    Raises
    ------
    Nothing.
    """
    name = head(Path(file).stem).replace(" ", "_") or "own"
    lines = [
        "# Made by sniff. Check every line; a field takes the first of its headers that is there.",
        '# To name a column, write a line such as  missing_from = ["Went missing"]  under [table.columns].',
        f"name = {quoted(name)}",
        f"title = {quoted(file)}",
    ]
    known = [sheet for sheet in sheets if sheet.is_recognised] or sheets
    for number, sheet in enumerate(known, 1):
        if sheet.made_from is not None:
            lines += _table(sheet, sheet.made_from, number, meaning_of)
    return "\n".join(lines) + "\n"


def _table(sheet: SheetGuess, table: TableProfile, number: int, meaning_of: Mapping[str, str]) -> list[str]:
    named = {c.field: c for c in sheet.columns if c.field}
    unread = [c for c in sheet.columns if not c.field and not c.is_unread]
    recognise = [n for n in table.recognise if n in named]
    recognise += [n for n in named if n not in recognise][: max(0, _TOLD_BY - len(recognise))]
    lines = [
        "",
        "[[table]]",
        f"name = {quoted(f'{table.name}_{number}' if number > 1 else table.name)}",
        f"becomes = {_list(table.becomes)}",
        f"recognise = {_list(recognise or list(sheet.needed))}  # fields that tell this table from others",
        f"date_order = {quoted(sheet.date_order or table.date_order)}",
    ]
    if sheet.sheet:
        lines.append(f"sheet = {quoted(sheet.sheet)}")
    if table.ids and ("nominal_id" in named or "nominal_id" not in table.fields):
        lines.append(f"ids = {quoted(table.ids)}  # whose numbers the children have")
    if shared := [n for n in table.shared if n in named]:
        lines.append(f"shared = {_list(shared)}  # wordings that the library knows")
    lines.append("[table.columns]")
    lines += [f"{c.field} = {_list([c.header])}  # {c.why}" for c in named.values()]
    lines += [
        f"_{head(c.header).replace(' ', '_')} = {_list([c.header])}  # {c.why}" for c in sheet.columns if c.is_unread
    ]
    lines += [f"# {quoted(c.header)}: {c.why}" for c in unread]
    for name in dict.fromkeys([*sheet.needed, *table.fields]):
        if name not in named and name[:1] != "_":
            need = ", and every row needs it" if name in sheet.needed else ""
            lines.append(f"# {name} = []  # no column found{need}: {meaning_of.get(name, '')}")
    if copies := {n: other for n, other in table.copies.items() if other in named and n not in named}:
        lines += ["[table.copies]", *(f"{n} = {quoted(other)}" for n, other in copies.items())]
    if table.defaults:
        lines += ["[table.defaults]", *(f"{n} = {_value(v)}" for n, v in table.defaults.items())]
    return lines + _values(sheet, table, [*named, *copies]) + _years(table, [*named, *copies])


def _values(sheet: SheetGuess, table: TableProfile, named: Iterable[str]) -> list[str]:
    kinds = fields_of(table.becomes)
    unmapped = {u.field: u for u in sheet.unmapped}
    lines: list[str] = []
    for name in named:
        own = _own(table, name) if name in kinds else {}
        told = unmapped.get(name)
        if not own and told is None:
            continue
        lines.append(f"[table.values.{name}]")
        lines += [f"{code} = {_list(words)}" for code, words in own.items()]
        if told is not None:
            where = "codes of the codebook" if name in TRIGGER_FIELDS else "its codes"
            lines.append(f"# Wordings of the file that are not known. Put each under one of {where}:")
            lines += [f"#   {quoted(label)}  stands in {n:,} rows" for label, n in told.labels]
            lines += [f"#   {told.hidden_in_words}"] if told.n_hidden else []
    return lines


def _own(table: TableProfile, name: str) -> dict[str, list[str]]:
    """Return the wordings of a field that are not shared."""
    shared = shared_values().get(name, {}) if name in table.shared else {}
    found = (
        {code: [w for w in words if w not in shared.get(code, ())] for code, words in table.values[name].items()}
        if name in table.values
        else {}
    )
    return {code: words for code, words in found.items() if words}


def _years(table: TableProfile, named: Sequence[str]) -> list[str]:
    lines = []
    for overlay in table.years:
        values = {name: codes for name, codes in overlay.values.items() if name in named}
        if values:
            lines += ["[[table.years]]", f"from = {overlay.first}", f"to = {overlay.last}"]
        for name, codes in values.items():
            lines.append(f"[table.years.values.{name}]")
            lines += [f"{code} = {_list(words)}" for code, words in codes.items()]
    return lines


def quoted(text: str) -> str:
    """Write text as TOML.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> print(quoted('Team "East"'))
    "Team \\"East\\""
    """
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else " " for c in plain) + '"'


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"


def _value(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else quoted(str(value))
