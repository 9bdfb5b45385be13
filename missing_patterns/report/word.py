"""A Month as a Word document that can be edited and sent on: real headings, captions, header rows and alt text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from missing_patterns.report import parts

_NAVY = "12436D"
_GREY = "4D5762"
_WIDTH_MM = 170
_LONG_SIDE_MM = 257  # the same margins, the page turned
_LETTER_MM = 1.95  # width of an average letter of the tables' type
_MARGIN = 2.8  # a cell's margins, in letters
_KEPT = 16  # tables of no more rows than this stay on one page
_NUMERIC = ("count", "percent", "number", "days")
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


def render_word(month: Mapping[str, Any]) -> bytes:
    """Render a Month as a Word document on A4.

    Parameters
    ----------
    month : mapping
        The Month as a plain dict, already through disclosure control; see :func:`missing_patterns.report.parts.ready`.

    Returns
    -------
    bytes
        A DOCX file, the same for the same Month: its dates are the last day of the month. Charts are pictures with
        alt text, each followed by its table.

    Raises
    ------
    ArgumentRefused
        If the Month cannot be rendered, such as a chart without headline or alt text.

    Examples
    --------
    >>> document = render_word({
    ...     "title": "Report", "council": "Exampleton", "month": "2026-10", "month_name": "October 2026",
    ...     "period": {"from": "2026-10-01", "to": "2026-10-31", "lookback_from": "2025-11-01"}, "threshold": 5,
    ...     "symbol": "c", "version": "0.1.0", "made_up": True, "summary": [], "key_figures": [], "sections": [],
    ...     "measures": [], "notes": [],
    ... })
    >>> document[:2]
    b'PK'
    """
    import docx

    content = parts.ready(month)
    document = docx.Document()
    _set_page(document, content)
    _set_styles(document)
    _set_properties(document, content)
    _write_front(document, content)
    for i, section in enumerate(content["sections"]):
        _write_section(document, section, i + 1, content["symbol"])
    _write_about(document, content)
    written = io.BytesIO()
    document.save(written)
    return _same_bytes(written.getvalue())


def _same_bytes(saved: bytes) -> bytes:
    """Write the package again with one fixed time for every part; the time of saving would differ each run."""
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved)) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
            part.compress_type = zipfile.ZIP_DEFLATED
            part.create_system = 0  # the same on every system
            new.writestr(part, old.read(name))
    return again.getvalue()


def _element(tag: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element


def _set_page(document: Any, month: Mapping[str, Any]) -> None:
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Mm

    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm((210 - _WIDTH_MM) / 2)
    page.top_margin = page.bottom_margin = Mm(20)
    footer = page.footer.paragraphs[0]
    footer.paragraph_format.tab_stops.clear_all()
    footer.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH_MM), WD_TAB_ALIGNMENT.RIGHT)
    who = f"{month['council']}, " if month["council"] else ""
    footer.add_run(f"{who}{month['month_name']}{'. Made-up data' if month['made_up'] else ''}\tPage ")
    _add_field(footer, "PAGE", "1")
    footer.add_run(" of ")
    _add_field(footer, "NUMPAGES", "1")


def _add_field(paragraph: Any, code: str, shown: str) -> None:
    """Add a field that Word works out, such as a page number, with the text shown until it does."""
    for kind, content in (("begin", None), ("instr", code), ("separate", None), ("text", shown), ("end", None)):
        run = paragraph.add_run()
        if kind == "instr":
            instruction = _element("w:instrText")
            instruction.text = f" {content} "
            run._r.append(instruction)
        elif kind == "text":
            run.text = content
        else:
            run._r.append(_element("w:fldChar", fldCharType=kind))


def _set_styles(document: Any) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    looks: dict[str, tuple[float, str | None, bool, int, int]] = {  # size, colour, bold, space before and after
        "Normal": (12, None, False, 0, 6),
        "Title": (24, _NAVY, True, 0, 4),
        "Subtitle": (14, _GREY, False, 0, 10),
        "Heading 1": (18, _NAVY, True, 20, 6),
        "Heading 2": (14, _NAVY, True, 12, 3),
        "Caption": (12, None, True, 8, 4),
        "List Bullet": (12, None, False, 0, 4),
        "Footer": (10, _GREY, False, 0, 0),
    }
    for name, (size, colour, bold, before, after) in looks.items():
        style = document.styles[name]
        style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
        style.font.color.rgb = RGBColor.from_string(colour or "000000")
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            del fonts.attrib[key]  # the template's theme fonts would win over a name
        for spacing in style.element.rPr.findall(qn("w:spacing")):
            style.element.rPr.remove(spacing)
        for script in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{script}"), "Arial")
    for border in document.styles["Title"].element.findall(f".//{qn('w:pBdr')}"):
        border.getparent().remove(border)
    document.styles["Caption"].paragraph_format.keep_with_next = True
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-GB")


def _set_properties(document: Any, month: Mapping[str, Any]) -> None:
    core = document.core_properties
    last_day = datetime.fromisoformat(month["period"]["to"])
    core.title = month["full_title"][:255]
    core.author = core.last_modified_by = month["council"][:255]
    core.subject, core.language, core.revision = "Children who went missing", "en-GB", 1
    core.comments = parts.MADE_UP if month["made_up"] else ""
    core.created = core.modified = last_day


def _write_front(document: Any, month: Mapping[str, Any]) -> None:
    if month["council"]:
        document.add_paragraph(month["council"], style="Subtitle").paragraph_format.space_after = 0
    document.add_paragraph(month["title"], style="Title")
    if month["subtitle"]:
        document.add_paragraph(month["subtitle"], style="Subtitle")
    if month["made_up"]:
        document.add_paragraph().add_run(parts.MADE_UP).bold = True
    document.add_paragraph("What stands out", style="Heading 1")
    for line in month["summary"]:
        document.add_paragraph(line["text"], style="List Bullet")
    if not month["summary"]:
        document.add_paragraph("Nothing stands out this month.")
    if month["key_figures"]:
        document.add_paragraph("Key figures", style="Heading 2")
        rows = [
            [figure["label"], parts.show(figure["value"], "count"), figure["note"] or ""]
            for figure in month["key_figures"]
        ]
        columns = [("Figure", "text"), ("Value", "count"), ("Note", "text")]
        _add_table(document, columns, rows, "Key figures of the month", symbol=month["symbol"])
    _add_note(document, parts.shorthand(month))
    if month["sections"]:
        document.add_paragraph("Contents", style="Heading 1").paragraph_format.keep_with_next = True
        _add_contents(document, [section["title"] for section in month["sections"]])


def _add_contents(document: Any, titles: list[str]) -> None:
    """Add a table of contents that is filled in already, as links; Word can update it to hold page numbers."""
    for i, title in enumerate(titles):
        paragraph = document.add_paragraph()
        if i == 0:
            for part in ("begin", None, "separate"):
                run = paragraph.add_run()
                if part:
                    run._r.append(_element("w:fldChar", fldCharType=part))
                else:
                    code = _element("w:instrText")
                    code.text = ' TOC \\o "1-1" \\h '
                    run._r.append(code)
        link = _element("w:hyperlink", anchor=f"section{i + 1}")
        run = paragraph.add_run(f"{i + 1}  {title}")
        link.append(run._r)
        paragraph._p.append(link)
    paragraph.add_run()._r.append(_element("w:fldChar", fldCharType="end"))


def _write_section(document: Any, section: Mapping[str, Any], no: int, symbol: str) -> None:
    heading = document.add_paragraph(f"{no}  {section['title']}", style="Heading 1")
    heading._p.insert(1, _element("w:bookmarkStart", id=str(no), name=f"section{no}"))
    heading._p.append(_element("w:bookmarkEnd", id=str(no)))
    question = document.add_paragraph(section["question"])
    question.paragraph_format.keep_with_next = True
    headline = document.add_paragraph()
    headline.add_run(section["headline"]).bold = True
    for item in section["items"]:
        if item.get("chart"):
            _add_chart(document, item)
        table = item["table"]
        columns = [(column["label"], column["kind"]) for column in table["columns"]]
        rows = [
            [parts.show(value, kind) for value, (_, kind) in zip(row, columns, strict=True)] for row in table["rows"]
        ] or [["No rows this month."] + [""] * (len(columns) - 1)]
        is_wide = _is_wide(columns, rows)
        if is_wide:
            _turn_page(document)
        document.add_paragraph(f"Table {table['no']}: {table['caption']}", style="Caption")
        _add_table(
            document, columns, rows, table["caption"], symbol=symbol, page_mm=_LONG_SIDE_MM if is_wide else _WIDTH_MM
        )
        for note in table["notes"]:
            _add_note(document, note)
        if is_wide:
            _turn_page(document)
    for title, key in (("What this means", "means"), ("What it does not mean", "does_not_mean")):
        document.add_paragraph(title, style="Heading 2")
        document.add_paragraph(section[key])
    if section["definitions"]:
        document.add_paragraph("Words used here", style="Heading 2")
    for term, meaning in section["definitions"]:
        line = document.add_paragraph()
        line.add_run(f"{term}: ").bold = True
        line.add_run(meaning)


def _add_chart(document: Any, item: Mapping[str, Any]) -> None:
    from docx.shared import Mm

    from missing_patterns import plots

    chart = item["chart"]
    document.add_paragraph(f"Figure {chart['no']}: {chart['headline']}", style="Caption")
    picture = document.add_picture(io.BytesIO(plots.to_png(parts.draw(item), dpi=200)), width=Mm(_WIDTH_MM))
    for side in "TBLR":
        picture._inline.set(f"dist{side}", "0")  # else some readers shift the picture into the margin
    described = picture._inline.docPr
    described.set("name", f"Figure {chart['no']}")
    described.set("title", chart["headline"])
    described.set("descr", chart["alt"])


def _add_note(document: Any, text: str) -> None:
    from docx.shared import Pt, RGBColor

    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before = Pt(4)
    run = paragraph.add_run(text)
    run.font.size, run.font.color.rgb = Pt(10), RGBColor.from_string(_GREY)


def _turn_page(document: Any) -> None:
    """Begin a page that lies on its side, or stands again after one that did."""
    from docx.enum.section import WD_ORIENT

    page = document.add_section()
    page.page_width, page.page_height = page.page_height, page.page_width
    page.orientation = WD_ORIENT.LANDSCAPE if page.page_width > page.page_height else WD_ORIENT.PORTRAIT


def _add_table(
    document: Any,
    columns: list[tuple[str, str]],
    rows: list[list[str]],
    description: str,
    *,
    symbol: str,
    page_mm: float = _WIDTH_MM,
) -> None:
    """Add a table with a header row that repeats on each page, rules between rows, and numbers to the right."""
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt, RGBColor

    widths, size = _widths(columns, rows, page_mm)
    table = document.add_table(rows=1 + len(rows), cols=len(columns))
    table.autofit = False
    properties = table._tbl.tblPr
    borders = _element("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        borders.append(_element(f"w:{side}", val="single", sz="4", space="0", color="999999"))
    properties.find(qn("w:tblLayout")).addprevious(borders)  # the format fixes the order
    properties.append(_element("w:tblCaption", val=description))
    for i, (row, texts) in enumerate(zip(table.rows, [[label for label, _ in columns], *rows], strict=True)):
        marks = row._tr.get_or_add_trPr()
        marks.append(_element("w:cantSplit"))
        if i == 0:
            marks.append(_element("w:tblHeader"))
        for cell, text, (_, kind) in zip(row.cells, texts, columns, strict=True):
            run = _fill(cell, text, is_header=i == 0, is_number=kind in _NUMERIC)
            run.font.size = Pt(size)
            if text in (symbol, parts.BLANK):
                run.font.color.rgb = RGBColor.from_string(_GREY)
            cell.paragraphs[0].paragraph_format.keep_with_next = i == 0 or (len(rows) <= _KEPT and i < len(rows))
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
        for cell in column.cells:
            cell.width = Mm(width)


def _needs(columns: list[tuple[str, str]], rows: list[list[str]]) -> tuple[list[float], list[float]]:
    """Return, in letters, what each column needs to keep its words whole, and what it would like."""
    needs, wishes = [], []
    for j, (label, _) in enumerate(columns):
        texts = [row[j] for row in rows]
        longest_word = max(len(word) for text in texts for word in text.split() or [""])
        needs.append(max(1.1 * max(len(word) for word in label.split()), longest_word) + _MARGIN)
        longest_text = min(max(len(text) for text in texts), 44)
        wishes.append(max(needs[-1], longest_text + _MARGIN, min(len(label), 18) + _MARGIN))
    return needs, wishes


def _is_wide(columns: list[tuple[str, str]], rows: list[list[str]]) -> bool:
    return sum(_needs(columns, rows)[0]) * _LETTER_MM > _WIDTH_MM


def _widths(columns: list[tuple[str, str]], rows: list[list[str]], page_mm: float) -> tuple[list[float], float]:
    """Share out the page: to each column what it needs, then what it would like; and the size of type, in points."""
    needs, wishes = _needs(columns, rows)
    letters = page_mm / _LETTER_MM
    if sum(wishes) <= letters:
        return [wish * _LETTER_MM for wish in wishes], 10
    if sum(needs) > letters:
        return [page_mm * need / sum(needs) for need in needs], max(10 * letters / sum(needs), 6)
    share = (letters - sum(needs)) / (sum(wishes) - sum(needs))
    return [(need + share * (wish - need)) * _LETTER_MM for need, wish in zip(needs, wishes, strict=True)], 10


def _fill(cell: Any, text: str, *, is_header: bool, is_number: bool) -> Any:
    """Write one cell, and return its run of text."""
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)
    if is_number:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    if is_header:
        cell._tc.get_or_add_tcPr().append(_element("w:shd", val="clear", color="auto", fill="E8EDF3"))
    run = paragraph.add_run(text)
    run.bold = is_header
    return run


def _write_about(document: Any, month: Mapping[str, Any]) -> None:
    period = {key: parts.show_date(str(day)) for key, day in month["period"].items()}
    document.add_paragraph("About these figures", style="Heading 1")
    lines = [
        f"The month runs from {period['from']} to {period['to']}.",
        f"Figures that need more than one month look back to {period['lookback_from']}.",
        parts.shorthand(month),
        *month["notes"],
        f"Made by missing_patterns {month['version']}.",
    ]
    for line in lines:
        document.add_paragraph(line, style="List Bullet")
