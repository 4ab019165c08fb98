"""The page of a run: what it shows, that it escapes all that others sent, that its size is bounded."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.record.line import RecordLine
from hil.record.record import BenchRecord
from hil.report.index_page import draw_index
from hil.report.markup import Html, tag
from hil.report.page import draw
from hil.report.page_limits import PAGE_MAX_BYTES
from hil.report.reported_run import FAILED, PASSED, ReportedRun, ReportedStep, read_runs
from tests.unit.hil.report.report_samples import (
    ASSETS,
    FAILING,
    WITH_PLOTS,
    SeenPage,
    action,
    car_message,
    charge_loop,
    csms_message,
    record_of,
    short_session,
    value,
)

HOSTILE = """</script><script>alert(1)</script><img src=x onerror=alert(2)> '"&\u202e\x00\ud800 javascript:alert(3)"""


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="run-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found.group(1))
    return data


def test_the_page_shows_verdict_reason_steps_measurements_and_messages() -> None:
    seen = SeenPage(draw(FAILING, short_session(), ASSETS, "name: It fails\nsteps:\n"))
    for text in (
        "✗ failed",
        "line 12: reaction_s was 0.5 s, expected at most 0.1 s",
        "./run hil run stops/it-fails.yaml",
        "0.1.0",
        "5.0 times real time",
        "reaction_s = 0.5 s, limit at most 0.1",
        "DC_ChargeLoopReq · DC_ChargeLoopRes × 18",
        "TransactionEvent",
        "computing takes no time",
        "cannot be zoomed",
        "name: It fails",
    ):
        assert text in seen.text, text
    assert len(seen.having("svg")) == 1  # power; the record has no voltage, no current, no state of charge
    assert len(seen.having("line", "failed")) == 1
    assert [row.get("data-from") for row in seen.having("tr", "failing")] == ["8.0000"]


def test_with_the_plotting_library_the_page_does_not_excuse_itself() -> None:
    page = draw(FAILING, short_session(), WITH_PLOTS)
    assert "cannot be zoomed" not in page
    assert "<script>var uPlot = 1;</script>" in page


def test_the_data_of_the_plots_hold_set_point_and_power() -> None:
    groups = data_of(draw(FAILING, short_session(), ASSETS))["groups"]
    assert isinstance(groups, list)
    plot = groups[0]["plots"][0]
    times_s, setpoint_kW, power_kW = plot["data"]
    assert (plot["unit"], max(power_kW)) == ("kW", 10.89)
    assert setpoint_kW[times_s.index(1.0)] == 11.0
    assert setpoint_kW[0] is None


def hostile_run() -> ReportedRun:
    step = ReportedStep(1, HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, 0.0, 1.0, 1.0, HOSTILE, (HOSTILE,))
    return ReportedRun(
        HOSTILE,
        HOSTILE,
        HOSTILE,
        HOSTILE,
        1,
        HOSTILE,
        (HOSTILE,),
        {HOSTILE: HOSTILE},
        {HOSTILE: [HOSTILE]},
        repeat=HOSTILE,
        record_file=HOSTILE,
        began=HOSTILE,
        facts={HOSTILE: HOSTILE},
        steps=(step, step),
    )


def hostile_record() -> BenchRecord:
    return record_of(
        value(0.0, "stage", HOSTILE),
        value(0.0, "decided_by", HOSTILE),
        value(0.0, "explanation", HOSTILE),
        value(0.0, "faults", [HOSTILE]),
        value(0.0, "power_W", HOSTILE),
        value(1.0, "power_W", 1e308),
        value(2.0, "power_W", float("inf")),
        action(1.0, HOSTILE, **{HOSTILE: HOSTILE}),
        car_message(1.0, HOSTILE, HOSTILE, code=HOSTILE, content={HOSTILE: [HOSTILE]}),
        csms_message(1.0, HOSTILE, {"request": HOSTILE, "answer": {"status": HOSTILE}}),
    )


@pytest.mark.parametrize("assets", [ASSETS, WITH_PLOTS], ids=["plain", "plots"])
def test_what_others_sent_is_text_and_nothing_else(assets: object) -> None:
    page = draw(hostile_run(), hostile_record(), assets, HOSTILE)  # type: ignore[arg-type]
    seen = SeenPage(page)
    scripts = seen.having("script")
    assert [script.get("type") for script in scripts].count("application/json") == 1
    assert len(scripts) == (3 if assets is WITH_PLOTS else 2)
    assert seen.having("img") == []
    assert all(not name.startswith("on") for _, attributes in seen.elements for name in attributes)
    links = [attributes.get("href") or "" for name, attributes in seen.elements if name == "a"]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "\u202e" not in page
    assert "\x00" not in page
    page.encode("utf-8")
    data_of(page)


@given(st.text(max_size=60))
def test_an_element_shows_exactly_its_text(text: str) -> None:
    seen = SeenPage(tag("p", text, title=text))
    shown = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]", "\ufffd", text)
    assert seen.text == shown
    assert seen.elements == [("p", {"title": shown})]


def test_markup_is_not_escaped_twice() -> None:
    assert tag("p", Html("<b>x</b>"), "<") == "<p><b>x</b>&lt;</p>"


def test_the_policy_lets_no_request_leave_and_no_other_script_run() -> None:
    page = draw(FAILING, short_session(), WITH_PLOTS)
    (policy,) = [
        meta["content"] or ""
        for meta in SeenPage(page).having("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")
    script_rule = next(rule for rule in policy.split("; ") if rule.startswith("script-src"))
    assert script_rule.count("'sha256-") == 2
    assert "unsafe" not in script_rule
    assert re.search(r"(?:src|href)=.?https?:", page) is None


def test_downloads_hold_the_whole_record() -> None:
    record = short_session()
    links = [
        (link["download"] or "", link["href"] or "")
        for link in SeenPage(draw(FAILING, record, ASSETS)).having("a")
        if "download" in link
    ]
    files = {name: base64.b64decode(url.split(",", 1)[1]) for name, url in links}
    assert set(files) == {"It-fails.jsonl", "It-fails-signals.csv", "It-fails-measurements.csv"}
    assert len(files["It-fails.jsonl"].splitlines()) == len(record.entries)
    assert b"12,1,reaction_s,0.5,s,at most 0.1,failed" in files["It-fails-measurements.csv"]


def test_a_long_file_is_offered_compressed() -> None:
    record = record_of(*(value(index * 0.01, "power_W", float(index)) for index in range(5000)))
    (link,) = [
        each
        for each in SeenPage(draw(FAILING, record, ASSETS)).having("a")
        if (each.get("download") or "").endswith(".jsonl.gz")
    ]
    text = gzip.decompress(base64.b64decode((link["href"] or "").split(",", 1)[1]))
    assert len(text.splitlines()) == 5000


def long_record(lines: int) -> BenchRecord:
    """Everything changes all the time, and no message is like the one before."""
    entries: list[RecordLine] = []
    for index in range(lines // 5):
        at_s = index * 0.05
        entries.append(value(at_s, "power_W", (index * 7919) % 22_000 - 11_000.0))
        entries.append(value(at_s, "voltage_V", 400.0 + (index * 104729) % 97))
        entries.append(value(at_s, "stage", f"STAGE_{(index * 31) % 17}"))
        entries.append(car_message(at_s, ">", f"Message{(index * 13) % 1009}", content={"text": f"{index} " * 60}))
        entries.append(action(at_s, f"setpoint{index}", power_W=index))
    return record_of(*entries)


@pytest.mark.slow
def test_a_record_of_a_hundred_thousand_lines_makes_a_bounded_page_that_says_what_is_missing() -> None:
    steps = tuple(
        ReportedStep(index, "do", f"step {index} " * 10, PASSED, began_s=index * 0.1, ended_s=index * 0.1 + 0.05)
        for index in range(1, 5000)
    )
    page = draw(replace(FAILING, steps=steps), long_record(100_000), WITH_PLOTS, "text\n" * 100_000)
    assert len(page.encode()) <= PAGE_MAX_BYTES
    text = SeenPage(page).text
    for sentence in (
        "values are not drawn",
        "marks are not drawn",
        "rows are left out here",
        "steps that passed are left out",
    ):
        assert sentence in text, sentence


def test_a_page_without_a_record_says_so() -> None:
    text = SeenPage(draw(ReportedRun("nothing", "error", "the bench could not be opened"), BenchRecord(), ASSETS)).text
    assert "⚠ error" in text
    assert "there is nothing to draw" in text
    assert "holds no message" in text


def test_a_failure_after_the_last_change_is_inside_of_the_picture() -> None:
    late = replace(
        FAILING, steps=(ReportedStep(3, "expect", "stage OFF within 20 s", FAILED, began_s=0.0, ended_s=20.0),)
    )
    page = draw(late, short_session(), ASSETS)
    assert data_of(page)["end_s"] == 20.0
    assert [pin["data-at"] for pin in SeenPage(page).having("button", "failed")] == ["20.0000"]


def test_an_evse_at_which_nothing_happened_is_named_and_not_drawn() -> None:
    record = short_session()
    record.add(value(0.0, "power_W", 0.0, evse=2))
    seen = SeenPage(draw(FAILING, record, ASSETS))
    assert "nothing happened at EVSE 2" in seen.text
    assert len(seen.having("section", "evse")) == 1


def test_the_same_run_makes_the_same_page() -> None:
    assert draw(FAILING, short_session(), ASSETS) == draw(FAILING, short_session(), ASSETS)


def test_the_index_counts_links_and_escapes() -> None:
    good = ReportedRun("It passes", PASSED, tags=("stop",), bench_s=5.0, seconds=1.0, virtual=True)
    seen = SeenPage(draw_index([(FAILING, "001-It-fails.html"), (good, "002-x.html"), (hostile_run(), "")], ASSETS))
    assert [row["data-tags"] for row in seen.having("tr") if "data-tags" in row][:2] == [
        f"interlock\n{FAILED}",
        f"stop\n{PASSED}",
    ]
    assert "001-It-fails.html" in [link.get("href") for link in seen.having("a")]
    assert "5.0 ×" in seen.text
    assert "line 12: reaction_s was 0.5 s" in seen.text
    assert len(seen.having("script")) == 1


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format is 2, and 1 can be read"):
        read_runs({"format": 2, "runs": []})
    with pytest.raises(ValueError, match="verdict"):
        read_runs({"format": 1, "runs": [{"name": "x"}]})


def test_many_charge_loops_stay_one_row() -> None:
    record = record_of(*(line for index in range(2000) for line in charge_loop(index * 0.1)))
    seen = SeenPage(draw(FAILING, record, ASSETS))
    assert len(seen.having("details", "message")) == 2  # the requests of the first and of the last loop have content
    assert "× 1998" in seen.text
