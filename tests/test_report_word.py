"""The Word document: real headings, captions, header rows, alt text, and the same bytes each time."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import docx
import pytest
from docx.enum.section import WD_ORIENT
from docx.oxml.ns import qn
from report_example import charts, example_month, quiet_month, rendered_word, tables

from missing_patterns.errors import ArgumentRefused
from missing_patterns.report import parts
from missing_patterns.report.word import render_word


@pytest.fixture(scope="module")
def document() -> Any:
    return docx.Document(io.BytesIO(rendered_word()))


def of_style(document: Any, style: str) -> list[str]:
    return [p.text for p in document.paragraphs if p.style.name == style]


def test_the_same_month_gives_the_same_bytes_and_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    month = example_month()
    before = copy.deepcopy(month)
    monkeypatch.setattr("time.localtime", lambda *_: datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC).timetuple())
    assert render_word(month) == rendered_word()
    assert month == before
    with zipfile.ZipFile(io.BytesIO(rendered_word())) as package:
        assert {part.date_time for part in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_headings_are_real_and_in_the_order_of_the_page(document: Any) -> None:
    titles = [f"{i + 1}  {s['title']}" for i, s in enumerate(example_month()["sections"])]
    assert of_style(document, "Heading 1") == ["What stands out", "Contents", *titles, "About these figures"]
    assert of_style(document, "Heading 2")[:4] == [
        "Key figures",
        "What this means",
        "What it does not mean",
        "Words used here",
    ]
    assert of_style(document, "Title") == ["Children who went missing: monthly report"]
    assert of_style(document, "Subtitle") == ["Borough of Exampleton & Sons", "October 2026"]


def test_findings_come_before_the_contents(document: Any) -> None:
    month = example_month()
    assert of_style(document, "List Bullet")[: len(month["summary"])] == [line["text"] for line in month["summary"]]
    key_figures = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert key_figures[0] == ["Figure", "Value", "Note"]
    assert key_figures[5] == ["Away over 7 days", "c", "Fewer than 5 children"]
    assert key_figures[6] == ["Still missing", "–", "No extract of open records"]


def test_contents_are_links_to_the_sections(document: Any) -> None:
    body = document.element.body
    marks = {mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))}
    links = {link.get(qn("w:anchor")): link.text for link in body.iter(qn("w:hyperlink"))}
    assert set(links) == marks
    assert links["section4"] == "4  Return home interviews"
    fields = [run.text.strip() for run in body.iter(qn("w:instrText"))]
    assert fields == ['TOC \\o "1-1" \\h']
    kinds = [char.get(qn("w:fldCharType")) for char in body.iter(qn("w:fldChar"))]
    assert kinds == ["begin", "separate", "end"]


def test_every_section_says_what_it_means_and_what_not(document: Any) -> None:
    text = [p.text for p in document.paragraphs]
    for section in example_month()["sections"]:
        for key in ("question", "headline", "means", "does_not_mean"):
            assert section[key] in text
        for term, meaning in section["definitions"]:
            assert f"{term}: {meaning}" in text
    for note in example_month()["notes"]:
        assert note in of_style(document, "List Bullet")


def test_captions_number_tables_and_figures(document: Any) -> None:
    captions = of_style(document, "Caption")
    assert [c for c in captions if c.startswith("Table")] == [
        f"Table {i + 1}: {t['caption']}" for i, t in enumerate(tables(example_month()))
    ]
    assert [c for c in captions if c.startswith("Figure")] == [
        f"Figure {i + 1}: {c['headline']}" for i, c in enumerate(charts(example_month()))
    ]


def test_tables_have_a_repeating_header_row_and_a_description(document: Any) -> None:
    for table, source in zip(document.tables[1:], tables(example_month()), strict=True):
        first, *others = table.rows
        assert first._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:tblHeader")) is None for row in others)
        assert table._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")) == source["caption"]
        order = [child.tag.split("}")[1] for child in table._tbl.tblPr]
        assert order == ["tblW", "tblBorders", "tblLayout", "tblLook", "tblCaption"]
        assert sum(column.width.mm for column in table.columns) <= 170.1


def test_every_picture_has_alt_text_and_fits_the_page(document: Any) -> None:
    shapes = document.inline_shapes
    assert len(shapes) == 7
    for shape, chart in zip(shapes, charts(example_month()), strict=True):
        described = shape._inline.docPr
        assert (described.get("title"), described.get("descr")) == (chart["headline"], chart["alt"])
        assert round(shape.width.mm) == 170
        assert 50 < shape.height.mm < 200
        assert shape._inline.get("distL") == "0"


def test_it_is_a4_english_and_dated_by_the_month(document: Any) -> None:
    page = document.sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
    assert {lang.get(qn("w:val")) for lang in document.styles.element.iter(qn("w:lang"))} == {"en-GB"}
    core = document.core_properties
    assert core.title == "Children who went missing: monthly report, October 2026"
    assert core.author == core.last_modified_by == "Borough of Exampleton & Sons"
    assert core.created.date().isoformat() == core.modified.date().isoformat() == "2026-10-31"
    assert (core.language, core.comments) == ("en-GB", parts.MADE_UP)


def test_the_footer_numbers_the_pages(document: Any) -> None:
    footer = document.sections[0].footer.paragraphs[0]
    assert footer.text == "Borough of Exampleton & Sons, October 2026. Made-up data\tPage 1 of 1"
    codes = [code.text.strip() for code in footer._p.iter(qn("w:instrText"))]
    assert codes == ["PAGE", "NUMPAGES"]


def test_fonts_are_named_and_not_left_to_a_theme(document: Any) -> None:
    for name in ("Normal", "Title", "Heading 1", "Caption"):
        fonts = document.styles[name].element.rPr.rFonts
        assert {fonts.get(key) for key in fonts.attrib} == {"Arial"}
    assert document.styles["Normal"].font.size.pt == 12


def test_a_month_with_nothing_to_say() -> None:
    document = docx.Document(io.BytesIO(render_word(quiet_month())))
    text = [p.text for p in document.paragraphs]
    assert "Nothing stands out this month." in text
    assert parts.MADE_UP not in text
    assert of_style(document, "Subtitle") == ["October 2026"]
    assert "Words used here" not in text
    (table,) = document.tables
    assert [cell.text for cell in table.rows[1].cells] == ["No rows this month.", "", "", ""]
    assert document.sections[0].footer.paragraphs[0].text == "October 2026\tPage 1 of 1"
    assert document.core_properties.comments == ""


def test_a_month_without_sections_has_no_contents() -> None:
    document = docx.Document(io.BytesIO(render_word({**quiet_month(), "sections": []})))
    assert of_style(document, "Heading 1") == ["What stands out", "About these figures"]


def test_a_long_table_may_break_over_pages_and_a_short_one_may_not() -> None:
    month = quiet_month()
    columns = tables(month)[0]["columns"]
    for n_rows in (16, 17):
        tables(month)[0].update(columns=columns, rows=[[str(i), i, i, i] for i in range(n_rows)])
        (table,) = docx.Document(io.BytesIO(render_word(month))).tables
        kept = [row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in table.rows]
        assert kept == [True] + [n_rows == 16] * (n_rows - 1) + [False]


def test_text_that_would_break_the_file_is_made_safe() -> None:
    month = quiet_month()
    month["council"] = "A\x00 & <b>\x1f"
    month["summary"] = [{"text": "line one\nline two\ttab", "section": "concentration"}]
    document = docx.Document(io.BytesIO(render_word(month)))
    assert of_style(document, "Subtitle")[0] == "A\ufffd & <b>\ufffd"
    assert of_style(document, "List Bullet")[0] == "line one\nline two\ttab"


def test_nothing_in_the_package_leads_outside() -> None:
    with zipfile.ZipFile(io.BytesIO(rendered_word())) as package:
        for name in package.namelist():
            if name.endswith(".rels"):
                assert b"External" not in package.read(name)
        assert not [name for name in package.namelist() if re.search("vbaProject|embeddings", name)]


def test_a_chart_without_alt_text_is_refused() -> None:
    month = example_month()
    charts(month)[0]["alt"] = ""
    with pytest.raises(ArgumentRefused, match="the chart has no alt"):
        render_word(month)


def wide_month(n_columns: int, label: str) -> dict[str, Any]:
    month = quiet_month()
    (table,) = tables(month)
    table["columns"] = [{"name": f"c{i}", "label": f"{label}{i:02}", "kind": "count"} for i in range(n_columns)]
    table["rows"] = [[1204] * n_columns]
    table["notes"] = ["A note."]
    return month


@pytest.mark.parametrize(
    ("n_columns", "label", "sides", "size"),
    [(4, "Children", "P", 10), (9, "Category", "PLP", 10), (24, "Category", "PLP", 6)],
)
def test_a_table_too_wide_for_the_page_turns_it(n_columns: int, label: str, sides: str, size: int) -> None:
    document = docx.Document(io.BytesIO(render_word(wide_month(n_columns, label))))
    assert "".join("L" if s.page_width > s.page_height else "P" for s in document.sections) == sides
    assert [s.orientation == WD_ORIENT.LANDSCAPE for s in document.sections] == [side == "L" for side in sides]
    (table,) = document.tables
    assert sum(column.width.mm for column in table.columns) <= (257.5 if "L" in sides else 170.1)
    assert size <= table.rows[1].cells[0].paragraphs[0].runs[0].font.size.pt < size + 1
    first_caption = next(p for p in document.paragraphs if p.style.name == "Caption")
    after = first_caption._p.getprevious().xpath("./w:pPr/w:sectPr")
    assert len(after) == (1 if "L" in sides else 0), "the page turns just before the caption"


def test_columns_are_wide_enough_for_their_longest_word() -> None:
    document = docx.Document(io.BytesIO(rendered_word()))
    for table in document.tables:
        for column in table.columns:
            longest = max(len(word) for cell in column.cells for word in (cell.text.split() or [""]))
            assert column.width.mm >= 1.95 * longest
