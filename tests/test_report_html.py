"""The page: what it holds, that it can be read by everybody, and that nothing in it can do harm."""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import lxml.html
import pytest
from report_example import charts, example_month, quiet_month, rendered_html, tables

from missing_patterns import plots
from missing_patterns.errors import ArgumentRefused, DisclosureRefused
from missing_patterns.report import parts
from missing_patterns.report.html import render_html

VOID = {"meta", "br", "img", "link", "hr", "input"}


def page_of(text: str) -> Any:
    return lxml.html.fromstring(text)


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


class Balance(HTMLParser):
    """Notes which element every end tag closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.closed: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        self.closed.append((tag, self.open.pop() if self.open else None))


@pytest.mark.parametrize("rendered", [rendered_html, lambda: render_html(quiet_month())], ids=["example", "quiet"])
def test_elements_are_balanced_and_ids_are_unique_and_found(rendered: Callable[[], str]) -> None:
    text = rendered()
    balance = Balance()
    balance.feed(text)
    assert balance.open == []
    assert all(tag == opened for tag, opened in balance.closed)
    page = page_of(text)
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    wanted = [name for value in page.xpath("//@aria-labelledby") for name in value.split()]
    wanted += [value[1:] for value in page.xpath("//@href | //*/@*[local-name()='href']") if value.startswith("#")]
    wanted += re.findall(r"url\(#([^)]+)\)", text)
    assert len(wanted) > 5
    assert set(wanted) <= set(ids)


def test_it_is_the_same_each_time_and_leaves_the_month_alone() -> None:
    month = example_month()
    before = copy.deepcopy(month)
    assert render_html(month) == rendered_html()
    assert month == before


def test_the_page_has_a_language_a_title_landmarks_and_one_order_of_headings() -> None:
    page = page_of(rendered_html())
    assert page.get("lang") == "en-GB"
    (title,) = page.xpath("//title[not(ancestor::*[local-name()='svg'])]")
    assert title.text == "Children who went missing: monthly report, October 2026, Borough of Exampleton & Sons"
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert len(page.xpath(f"//{landmark}")) == 1, landmark
    first_link = page.xpath("//a")[0]
    assert (first_link.get("href"), words(first_link)) == ("#main", "Skip to the report")
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_findings_come_first_and_lead_to_their_sections() -> None:
    page = page_of(rendered_html())
    month = example_month()
    titles = [words(heading) for heading in page.xpath("//main//h2")]
    assert titles[0] == "What stands out"
    assert titles[1:-1] == [f"{i + 1} {s['title']}" for i, s in enumerate(month["sections"])]
    assert titles[-1] == "About these figures"
    lines = page.xpath("//ul[@class='summary']/li")
    assert [line.text.strip() for line in lines] == [line["text"] for line in month["summary"]]
    assert [line.xpath("./a/@href")[0] for line in lines] == [
        f"#section-{line['section']}" for line in month["summary"]
    ]
    figures = page.xpath("//dl[@class='figures']/div")
    shown = [[words(part) for part in figure] for figure in figures]
    assert shown[0] == ["Children missing", "41", "32 in September"]
    assert shown[4] == ["Away over 7 days", "c (withheld)", "Fewer than 5 children"]
    assert shown[5] == ["Still missing", "– (not recorded)", "No extract of open records"]
    assert [words(a) for a in page.xpath("//nav//ol//a")] == [s["title"] for s in month["sections"]]


def test_every_section_says_what_it_means_and_what_not() -> None:
    page = page_of(rendered_html())
    for section in example_month()["sections"]:
        (part,) = page.xpath(f"//section[@id='section-{section['id']}']")
        text = words(part)
        for key in ("question", "headline", "means", "does_not_mean"):
            assert section[key] in text
        for term, meaning in section["definitions"]:
            assert term in [words(t) for t in part.xpath(".//dt")]
            assert meaning in [words(t) for t in part.xpath(".//dd")]


def test_every_table_has_a_caption_and_scoped_headers() -> None:
    page = page_of(rendered_html())
    found = page.xpath("//table")
    assert [table.get("id") for table in found] == [f"table-{t['id']}" for t in tables(example_month())]
    for i, (table, source) in enumerate(zip(found, tables(example_month()), strict=True)):
        assert words(table.xpath("./caption")[0]) == f"Table {i + 1}. {source['caption']}"
        assert [words(th) for th in table.xpath("./thead//th[@scope='col']")] == [c["label"] for c in source["columns"]]
        assert len(table.xpath("./tbody/tr/th[@scope='row']")) == len(source["rows"])
        scroller = table.getparent()
        assert scroller.get("tabindex") == "0"
        assert scroller.get("aria-labelledby") == table.xpath("./caption/@id")[0]


def test_what_a_symbol_stands_for_is_spoken() -> None:
    page = page_of(rendered_html())
    for table, source in zip(page.xpath("//table"), tables(example_month()), strict=True):
        cells = [value for row in source["rows"] for value in row]
        spoken = [words(s) for s in table.xpath(".//span[@class='spoken']")]
        assert spoken.count("(withheld)") == cells.count("c")
        assert spoken.count("(not recorded)") == cells.count(None)
    assert parts.shorthand(example_month()) in words(page.xpath("//main")[0])


def test_every_chart_has_its_headline_alt_text_and_table() -> None:
    page = page_of(rendered_html())
    figures = page.xpath("//figure")
    assert len(figures) == len(charts(example_month())) == 7
    for i, (figure, chart) in enumerate(zip(figures, charts(example_month()), strict=True)):
        assert words(figure.xpath("./figcaption")[0]) == f"Figure {i + 1}. {chart['headline']}"
        (svg,) = figure.xpath(".//svg")
        assert svg.get("role") == "img"
        assert words(svg.xpath("./title")[0]) == chart["headline"]
        assert words(svg.xpath("./desc")[0]) == chart["alt"]
        assert svg.xpath(".//text"), "the words of a chart are text"
        assert len(figure.xpath("./details//table")) == 1


def test_no_request_can_leave_the_page() -> None:
    text = rendered_html()
    (policy,) = page_of(text).xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "://" not in text
    assert "@import" not in text
    page = page_of(text)
    assert not page.xpath("//script|//link|//iframe|//object|//embed|//base|//form")
    assert not [name for element in page.iter() for name in element.attrib if name.startswith("on")]
    assert all(value.startswith("#") for value in page.xpath("//*/@href|//*/@src"))


def _slots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a Month that holds words for people."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key not in ("id", "section", "kind", "name", "options", "symbol", "measures"):
                yield from _slots(part, (*path, key))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _slots(part, (*path, i))
    elif isinstance(value, str):
        yield path


def test_no_text_becomes_markup() -> None:
    payload = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}&lt;$x_1^2$"
    month = example_month()
    n_slots = 0
    for path in list(_slots(month)):
        holder = month
        for step in path[:-1]:
            holder = holder[step]
        if holder[path[-1]] in ("c", ""):
            continue
        in_header = len(path) > 1 and path[-1] == "label" and "columns" in path
        holder[path[-1]] = f"{payload}{path[-2]}" if in_header else payload
        n_slots += 1
    assert n_slots > 150
    page = page_of(render_html(month))
    assert not page.xpath("//script|//img|//*[@onerror]")
    assert words(page.xpath("//h1")[0]) == payload
    assert payload in words(page.xpath("//table[@id='table-trigger_prevalence']")[0])


@pytest.mark.parametrize(
    "part",
    [
        "<script>1</script>",
        "<foreignObject></foreignObject>",
        '<image href="https://example.org/x.png"/>',
        '<use xlink:href="other.svg#a"/>',
        '<rect onclick="x()"/>',
        '<rect style="fill: url(other.svg#a)"/>',
        '<a href="#main"><text>x</text></a>',
    ],
)
def test_a_chart_that_is_more_than_a_drawing_is_refused(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "to_svg", lambda _ax, id_prefix: f'<svg id="{id_prefix}"><title>t</title>{part}</svg>')
    with pytest.raises(DisclosureRefused, match="figure 1: the chart holds 1 parts that are not a drawing"):
        render_html(example_month())


def test_a_drawing_may_refer_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><desc>d</desc>'
        "<image xlink:href=\"data:image/png;base64,AA==\"/><use xlink:href='#a'/><rect fill='url(#a)'/></svg>"
    )
    monkeypatch.setattr(plots, "to_svg", lambda _ax, id_prefix: drawing)
    assert render_html(example_month()).count("<svg><desc>d</desc>") == 7


def test_made_up_data_say_so_and_real_data_do_not() -> None:
    assert parts.MADE_UP in rendered_html()
    assert parts.MADE_UP not in render_html(quiet_month())


def test_a_month_with_nothing_to_say() -> None:
    text = render_html(quiet_month())
    page = page_of(text)
    assert "Nothing stands out this month." in text
    assert not page.xpath("//dl[@class='figures']|//figure|//details|//*[@class='council']")
    assert words(page.xpath("//table/tbody")[0]) == "No rows this month."
    assert words(page.xpath("//title")[0]) == "Children who went missing: monthly report, October 2026"


def test_a_chart_without_alt_text_is_refused() -> None:
    month = example_month()
    charts(month)[6]["alt"] = ""
    with pytest.raises(ArgumentRefused, match="section 7, item 1: the chart has no alt"):
        render_html(month)


def _contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG 2.2 defines it."""

    def light(colour: str) -> float:
        full = colour if len(colour) == 7 else "#" + "".join(2 * c for c in colour[1:])
        parts_of = [int(full[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts_of]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_and_marks_stand_out_from_their_ground(scheme: int) -> None:
    style = (resources.files("missing_patterns") / "templates" / "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{([^}]*)\}", style)
    colours: dict[str, str] = {}
    for block in (blocks[0], blocks[scheme]):
        colours |= dict(re.findall(r"--([a-z-]+):\s*(#[0-9a-f]{3,6});", block))
    assert len(colours) == 12
    text = [
        ("ink", "paper"),
        ("ink", "wash"),
        ("quiet", "paper"),
        ("quiet", "wash"),
        ("link", "paper"),
        ("link", "wash"),
    ]
    for front, ground in [*text, ("made-up-ink", "made-up")]:
        assert _contrast(colours[front], colours[ground]) >= 4.5, (front, ground)
    for front, ground in [("focus", "paper"), ("focus", "wash"), ("quiet", "wash")]:
        assert _contrast(colours[front], colours[ground]) >= 3, (front, ground)
    if scheme < 2:
        assert _contrast("#fff", colours["brand"]) >= 4.5
