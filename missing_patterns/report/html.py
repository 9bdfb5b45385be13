"""A Month as one self-contained HTML page: no script, no outside address, readable on paper and in the dark."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib import resources
from typing import Any

from missing_patterns.errors import DisclosureRefused
from missing_patterns.report import parts

_NUMERIC = ("count", "percent", "number", "days")
_DRAWING = re.compile(
    "svg|title|desc|g|defs|clippath|path|rect|line|circle|ellipse|polygon|polyline|text|tspan|use|pattern|image"
)
_NAMESPACE = re.compile(r'\sxmlns(:\w+)?="[^"]*"')


def render_html(month: Mapping[str, Any]) -> str:
    """Render a Month as one HTML page.

    Parameters
    ----------
    month : mapping
        The Month as a plain dict, already through disclosure control; see :func:`missing_patterns.report.parts.ready`.

    Returns
    -------
    str
        The page, to be written as UTF-8. It holds its own style and charts (SVG with real text), forbids scripts and
        any request by a content security policy, and is the same for the same Month. Written to WCAG 2.2 AA.

    Raises
    ------
    ArgumentRefused
        If the Month cannot be rendered, such as a chart without headline or alt text.
    DisclosureRefused
        If a chart holds anything but a drawing.

    Examples
    --------
    >>> page = render_html({
    ...     "title": "Report", "council": "Exampleton", "month": "2026-10", "month_name": "October 2026",
    ...     "period": {"from": "2026-10-01", "to": "2026-10-31", "lookback_from": "2025-11-01"}, "threshold": 5,
    ...     "symbol": "c", "version": "0.1.0", "made_up": True, "summary": [], "key_figures": [], "sections": [],
    ...     "measures": [], "notes": ["Nobody went missing & nothing is <hidden>."],
    ... })
    >>> "<h1>" in page, "<script" in page, "nothing is &lt;hidden&gt;" in page
    (True, False, True)
    """
    import jinja2

    content = parts.ready(month)
    symbol = content["symbol"]
    sections = [_section(section, symbol) for section in content["sections"]]
    titles = {section["id"]: section["title"] for section in sections}
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2").render(
        month=content,
        sections=sections,
        summary=[{**line, "title": titles[line["section"]]} for line in content["summary"]],
        figures=[
            {**figure, "value": _cell(figure["value"], "count", symbol), "title": titles[figure["section"]]}
            for figure in content["key_figures"]
        ],
        shorthand=parts.shorthand(content),
        made_up_text=parts.MADE_UP,
        from_to={key: parts.show_date(str(day)) for key, day in content["period"].items()},
    )


def _template(name: str) -> str:
    return (resources.files("missing_patterns") / "templates" / name).read_text(encoding="utf-8")


def _section(section: Mapping[str, Any], symbol: str) -> dict[str, Any]:
    items = []
    for item in section["items"]:
        chart = item.get("chart")
        shown = {"table": _table(item["table"], symbol), "chart": None}
        if chart:
            shown["chart"] = {"no": chart["no"], "headline": chart["headline"], "svg": _drawing(item)}
        items.append(shown)
    return {**section, "items": items}


def _table(table: Mapping[str, Any], symbol: str) -> dict[str, Any]:
    kinds = [column["kind"] for column in table["columns"]]
    return {
        "no": table["no"],
        "id": table["id"],
        "caption": table["caption"],
        "notes": table["notes"],
        "columns": [
            {"label": column["label"], "is_numeric": column["kind"] in _NUMERIC} for column in table["columns"]
        ],
        "rows": [[_cell(value, kind, symbol) for value, kind in zip(row, kinds, strict=True)] for row in table["rows"]],
    }


def _cell(value: Any, kind: str, symbol: str) -> dict[str, Any]:
    text = parts.show(value, kind)
    spoken = "withheld" if text == symbol else "not recorded" if text == parts.BLANK else ""
    return {"text": text, "spoken": spoken, "is_numeric": kind in _NUMERIC, "is_month": kind == "month"}


def _drawing(item: Mapping[str, Any]) -> Any:
    """Draw one chart as inline SVG; the only text of the page that is not escaped, so it is read through first."""
    from markupsafe import Markup

    from missing_patterns import plots

    svg = _NAMESPACE.sub("", plots.to_svg(parts.draw(item), id_prefix=f"figure{item['chart']['no']}"))
    reader = _DrawingReader()
    reader.feed(svg)
    reader.close()
    if reader.strange:
        place = f"figure {item['chart']['no']}"
        raise DisclosureRefused(f"{place}: the chart holds {reader.strange} parts that are not a drawing.")
    return Markup(svg)  # noqa: S704


class _DrawingReader(HTMLParser):
    """Counts what does not belong into a drawing: foreign elements, event handlers, references out of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.strange = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.strange += _DRAWING.fullmatch(tag) is None
        for name, value in attrs:
            target = (value or "").strip()
            is_reference = name.rpartition(":")[2] in ("href", "src")
            self.strange += name.startswith("on")
            self.strange += is_reference and not target.startswith(("#", "data:image/png;base64,"))
            self.strange += any(not rest.lstrip("'\" ").startswith("#") for rest in target.split("url(")[1:])
