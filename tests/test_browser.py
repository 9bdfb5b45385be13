"""The report in a real browser: nothing is asked for over the network, nothing goes wrong, and all of it is there.

Needs Chromium. Where it is not installed the tests say so and are skipped, except on the build machine (``CI=true``),
where its absence is a failure.
"""

from __future__ import annotations

import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import missing_patterns as mp

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-default-apps --hide-scrollbars --enable-logging=stderr --v=0"
).split()

pytestmark = pytest.mark.skipif(
    BROWSER is None and os.environ.get("CI") != "true", reason="Chromium is not installed on this machine"
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    borough = mp.make_borough(n_children=120, months=14, seed=5)
    written = mp.build_month(borough.records, month="2026-10", made_up=True).write(folder)
    return next(p for p in written if p.suffix == ".html")


@pytest.fixture(scope="module")
def asked(page: Path) -> Iterator[tuple[str, list[str]]]:
    """The report served from this machine, and the paths that are asked for."""
    paths: list[str] = []

    class Serve(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(page.parent), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            paths.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Serve)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/{page.name}", paths
    server.shutdown()
    thread.join()
    server.server_close()


def browse(profile: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None, "Chromium must be installed where CI=true"
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def test_the_report_asks_for_nothing_and_logs_nothing(asked: tuple[str, list[str]], tmp_path: Path) -> None:
    url, paths = asked
    done = browse(tmp_path, "--dump-dom", url)
    assert "Children missing, October 2026" in done.stdout
    assert done.stdout.count("<svg") >= 6
    # A browser asks for an icon of its own accord when a page names none.
    assert [p for p in paths if p != "/favicon.ico"] == ["/" + url.rsplit("/", 1)[1]]
    assert re.findall(r"CONSOLE.*", done.stderr) == []
    assert re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", done.stdout) == []


def test_a_script_slipped_into_the_page_does_not_run(page: Path, tmp_path: Path) -> None:
    """The policy in the page's head holds even if something got past the escaping."""
    spoilt = page.with_name("spoilt.html")
    spoilt.write_text(
        page.read_text(encoding="utf-8").replace("</main>", "<script>document.title='RAN'</script></main>"),
        encoding="utf-8",
    )
    done = browse(tmp_path, "--dump-dom", spoilt.as_uri())
    assert "<title>RAN</title>" not in done.stdout
    assert "Content Security Policy" in done.stderr  # and so the console check above can fail


def test_the_page_prints_to_a_tagged_document_and_fits_a_phone(page: Path, tmp_path: Path) -> None:
    printed = tmp_path / "report.pdf"
    browse(tmp_path / "profile", "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.as_uri())
    content = printed.read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/MarkInfo" in content
    # The width of the page at 320 CSS pixels: nothing may stick out sideways.
    probe = page.with_name("probe.html")
    html = page.read_text(encoding="utf-8")
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    frame = (
        "<script>addEventListener('load',()=>{document.title='W'+document.documentElement.scrollWidth+"
        "'/'+innerWidth})</script>"
    )
    probe.write_text(html.replace("</body>", frame + "</body>"), encoding="utf-8")
    outer = page.with_name("phone.html")
    outer.write_text(
        f"<iframe src='{probe.name}' width=320 height=2000 onload=\"document.title=this.contentDocument.title\">",
        encoding="utf-8",
    )
    done = browse(tmp_path / "phone", "--allow-file-access-from-files", "--dump-dom", outer.as_uri())
    wide = re.search(r"<title>W(\d+)/(\d+)</title>", done.stdout)
    assert wide, done.stdout[:300]
    assert int(wide[1]) <= int(wide[2])
