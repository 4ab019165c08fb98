"""The message-sequence page: what is drawn, what is coloured, what is folded; and nothing of a trace becomes markup."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chargepoint.iso15118.trace import json_lines
from chargepoint.iso15118.trace.disclosure import disclose
from chargepoint.iso15118.trace.frame import TracedFrame, WireDirection
from chargepoint.iso15118.trace.json_lines import Entry, TraceUnreadable, read
from chargepoint.iso15118.trace.page import draw
from chargepoint.iso15118.trace.sequence import Grade, MessageRow, RunRow, SilenceRow, rows


def entries_of(frames: list[TracedFrame]) -> list[Entry]:
    return list(read(json_lines.line(frame, disclose(frame)) for frame in frames))


def entry(at_s: float, name: str, code: str = "", note: str = "") -> Entry:
    direction = WireDirection.FROM_CAR if name.endswith("Req") else WireDirection.TO_CAR
    return Entry(at_s, direction, "MAINSTREAM", 9, "80", {name: {"ResponseCode": code} if code else {}}, note)


def pair(at_s: float, name: str = "Loop", code: str = "OK", took_s: float = 0.01) -> list[Entry]:
    return [entry(at_s, f"{name}Req"), entry(at_s + took_s, f"{name}Res", code)]


def test_what_is_written_is_read_back(session: list[TracedFrame]) -> None:
    for frame, found in zip(session, entries_of(session), strict=True):
        assert found.at_utc_s == pytest.approx(frame.at_utc_s, abs=1e-6)
        assert found.direction is frame.direction
        assert found.length == len(frame.payload)
        if frame.message is not None:
            assert found.name == type(frame.message).__name__
        if not found.left_out:
            assert bytes.fromhex(found.exi_hex) == frame.payload


def test_messages_in_a_body_have_their_own_name_and_code() -> None:
    found = Entry(
        0.0,
        WireDirection.TO_CAR,
        "EXI_SAP",
        9,
        "",
        {"V2G_Message": {"Header": {}, "Body": {"CableCheckRes": {"ResponseCode": "FAILED"}}}},
        "",
    )
    assert (found.name, found.response_code) == ("CableCheckRes", "FAILED")


def test_a_session_is_drawn_with_every_name_and_fetches_nothing(session: list[TracedFrame]) -> None:
    page = draw(entries_of(session), "a session")
    for frame in session:
        if frame.message is not None:
            assert type(frame.message).__name__ in page
    assert page.count("<details") == len(session)
    for outside in ('"http', "href=", "src=", "@import", "url(", "<script", "<link", "<img"):
        assert outside not in page


def test_nothing_of_a_trace_becomes_markup() -> None:
    wicked = "<script>alert('1')</script>\"&"
    found = Entry(
        0.0, WireDirection.FROM_CAR, wicked, 1, wicked, {wicked: {wicked: wicked, "ResponseCode": wicked}}, wicked
    )
    page = draw([found, replace(found, direction=WireDirection.EVENT, message=None)], wicked)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_codes_and_notes_colour_a_row() -> None:
    drawn = rows(
        [
            *pair(0.0),
            *pair(0.1, code="WARNING_StandbyNotAllowed"),
            *pair(0.2, code="FAILED"),
            entry(0.3, "AReq", note="odd"),
        ]
    )
    assert [row.grade for row in drawn if isinstance(row, MessageRow)] == [
        Grade.PLAIN, Grade.PLAIN, Grade.PLAIN, Grade.WARNING, Grade.PLAIN, Grade.FAILED, Grade.WARNING,
    ]  # fmt: skip


def test_silences_are_drawn_and_blamed() -> None:
    drawn = rows([*pair(0.0, took_s=1.6), *pair(4.0, took_s=2.5), entry(6.6, "AReq")])
    silences = [row for row in drawn if isinstance(row, SilenceRow)]
    assert [(s.waiting_for, s.grade) for s in silences] == [
        ("station", Grade.WARNING),
        ("car", Grade.PLAIN),
        ("station", Grade.FAILED),
    ]
    assert "2.5 s without a message, the station&#x27;s turn" in draw([*pair(4.0, took_s=2.5)], "t")


def test_the_middle_of_a_run_is_folded_with_its_slowest_answer() -> None:
    loops = [e for n in range(100) for e in pair(n * 0.25, took_s=0.02 if n == 50 else 0.01)]
    drawn = rows([*pair(-1.0, "Start"), *loops, *pair(26.0, "Stop")])
    (run,) = [row for row in drawn if isinstance(row, RunRow)]
    assert (run.pairs, run.request) == (92, "LoopReq")
    assert run.slowest_answer_s == pytest.approx(0.02)
    assert len([row for row in drawn if isinstance(row, MessageRow)]) == 2 + 16 + 2
    assert "92 more pairs of LoopReq and its answer, slowest answer 20 ms" in draw(loops, "t")


@pytest.mark.parametrize("odd", [entry(10.01, "LoopRes", "FAILED"), entry(10.01, "LoopRes", "OK", "late")])
def test_what_is_wrong_in_a_run_is_not_folded(odd: Entry) -> None:
    loops = [e for n in range(80) for e in pair(n * 0.25)]
    loops[81] = odd
    drawn = rows(loops)
    assert odd in [row.entry for row in drawn if isinstance(row, MessageRow)]
    assert len([row for row in drawn if isinstance(row, RunRow)]) == 2


def test_a_short_run_is_drawn_whole_and_nothing_is_nothing() -> None:
    loops = [e for n in range(11) for e in pair(n * 0.25)]
    assert len(rows(loops)) == 22
    assert rows([]) == []
    assert "empty" in draw([], "t")


@pytest.mark.parametrize(
    "line",
    [b"[]\n", b"{}\n", b"nonsense\n", b'{"at_utc":"2026-01-01T00:00:00+00:00","direction":"up"}\n',
     b'{"at_utc":1,"direction":"station"}\n',
     b'{"at_utc":"2026-01-01T00:00:00+00:00","direction":"station","message":[]}\n'],
)  # fmt: skip
def test_what_is_no_trace_is_refused_with_its_line(line: bytes) -> None:
    good = json_lines.line(*(lambda f: (f, disclose(f)))(TracedFrame(1.0, WireDirection.EVENT, 0, b"", None, "begin")))
    with pytest.raises(TraceUnreadable, match="line 2"):
        list(read([good, line]))


def test_a_last_line_that_was_cut_off_is_passed_over(session: list[TracedFrame]) -> None:
    lines = [json_lines.line(frame, disclose(frame)) for frame in session]
    assert len(list(read([*lines[:-1], lines[-1][:40]]))) == len(lines) - 1
