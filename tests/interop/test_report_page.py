"""The page of a run in Debian's Chromium: plots are there, nothing is complained about, no request leaves the page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.report.plotting import PlottingMissing, library, prepare
from hil.report.report_files import page_assets, write_page
from tests.interop.browser_tab import BrowserTab, browser_tab
from tests.unit.hil.report.report_samples import FAILING, short_session
from tests.unit.hil.report.test_run_page import hostile_record, hostile_run

pytestmark = pytest.mark.interop

CHROMIUM = shutil.which("chromium") or ""


@pytest.fixture(scope="module")
def tab() -> Iterator[BrowserTab]:
    if not CHROMIUM:
        pytest.skip("chromium is not installed: .ci/interop installs it")
    with browser_tab(CHROMIUM) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        prepare()
    except PlottingMissing as missing:
        pytest.skip(str(missing))
    page_assets.cache_clear()
    file = tmp_path_factory.mktemp("report") / "run.html"
    write_page(file, FAILING, short_session(), "name: It fails\n" * 20)
    return file


@pytest.mark.parametrize("width", [1000, 400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_draws_itself_and_asks_for_nothing(
    tab: BrowserTab, page: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    tab.open(page, width=width, height=1600, dark=dark)
    assert tab.value("document.querySelectorAll('.uplot canvas').length") == 1
    assert tab.value("document.querySelectorAll('.sketch:not([hidden])').length") == 0
    assert tab.value("document.documentElement.scrollWidth") <= width
    luminance = tab.value("parseInt(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    assert (luminance < 100) == dark
    # something was painted in the colour of the power curve
    painted = """(() => { const c = document.querySelector('.uplot canvas'); const d = c.getContext('2d')
        .getImageData(0, 0, c.width, c.height).data; const seen = new Set();
        for (let i = 0; i < d.length; i += 4) { if (d[i + 3] > 200) seen.add(d[i] + ',' + d[i + 1] + ',' + d[i + 2]); }
        return Array.from(seen); })()"""
    assert ("62,207,165" if dark else "0,116,90") in tab.value(painted)
    tab.picture(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in tab.requests if url.startswith("file:")]) == 1


def test_dragging_zooms_and_a_step_leads_to_its_moment(tab: BrowserTab, page: Path) -> None:
    tab.open(page, width=1000, height=1600, dark=False)
    x, y, width = tab.value(
        "(() => { const r = document.querySelector('.u-over').getBoundingClientRect();"
        " return [r.left, r.top + r.height / 2, r.width]; })()"
    )
    tab.drag(x + width * 0.2, x + width * 0.6, y)
    first, _, last, _ = tab.value("document.getElementById('window').textContent").split()
    assert (float(first), float(last)) == pytest.approx((1.98, 5.94), abs=0.05)  # pixels have a width
    assert float(tab.value("document.querySelector('.lane .strip').style.width.slice(0, -1)")) == pytest.approx(
        250, abs=2
    )
    tab.value("document.getElementById('zoom-all').click()")
    assert tab.value("document.getElementById('window').textContent") == "0 to 9.9 s"
    tab.value("document.querySelector('tr.failing button.go').click()")
    assert tab.value("document.querySelector('figure output').textContent").startswith("8 s: 11 · 8.8 kW")
    assert tab.value("document.querySelectorAll('.here:not([hidden])').length") > 0
    held = tab.value("document.querySelector('.held').textContent")
    assert "stage TRANSFER" in held
    assert "set-point by csms: 11 kW: the central system wants it" in held
    assert tab.complaints == []


def test_the_filter_hides_other_messages(tab: BrowserTab, page: Path) -> None:
    tab.open(page, width=1000, height=1600, dark=False)
    shown = "Array.from(document.querySelectorAll('#exchange > .row')).filter(row => !row.hidden).length"
    every = tab.value(shown)
    tab.value(
        "(() => { const box = document.getElementById('message-filter'); box.value = 'transactionevent';"
        " box.dispatchEvent(new Event('input')); })()"
    )
    assert (tab.value(shown), every > 1) == (1, True)


def test_hostile_texts_run_nothing(tab: BrowserTab, page: Path, tmp_path: Path) -> None:
    write_page(tmp_path / "hostile.html", hostile_run(), hostile_record(), "<script>alert(1)</script>")
    tab.open(tmp_path / "hostile.html", width=1000, height=1600, dark=False)
    assert tab.value("document.querySelectorAll('img').length") == 0
    assert tab.value("document.documentElement.classList.contains('scripted')") is True
    assert tab.complaints == []
    assert len(tab.requests) == 1


def test_without_the_library_the_page_is_complete_but_not_zoomed(
    tab: BrowserTab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_assets.cache_clear()
    monkeypatch.setattr("hil.report.report_files.library", lambda: library(tmp_path))
    write_page(tmp_path / "plain.html", FAILING, short_session())
    page_assets.cache_clear()
    tab.open(tmp_path / "plain.html", width=1000, height=1600, dark=False)
    assert tab.value("document.querySelectorAll('.sketch path').length") == 2
    assert "cannot be zoomed" in tab.value("document.body.textContent")
    tab.value("document.querySelector('tr.failing button.go').click()")
    assert tab.value("document.querySelectorAll('.here:not([hidden])').length") > 0
    assert tab.complaints == []


def test_printed_the_page_shows_the_whole_run(tab: BrowserTab, page: Path) -> None:
    tab.open(page, width=1000, height=1600, dark=True)
    tab.value("document.getElementById('zoom-in').click()")
    tab.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert tab.value("getComputedStyle(document.querySelector('.sketch')).display") == "grid"
        assert tab.value("getComputedStyle(document.querySelector('.uplot')).display") == "none"
        assert tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert tab.value(
            "(() => { const s = document.querySelector('.strip'); return s.offsetWidth - s.parentElement.clientWidth; })()"
        ) == pytest.approx(0, abs=1)
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")
