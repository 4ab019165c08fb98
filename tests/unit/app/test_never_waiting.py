"""A log that nobody reads loses lines; the process that writes it never waits."""

from __future__ import annotations

import os

from chargepoint.app.never_waiting import NeverWaiting


def test_a_full_pipe_loses_lines_and_counts_them() -> None:
    reader, writer = os.pipe()
    stream = NeverWaiting(writer)
    for number in range(5000):  # 64 KiB fill the pipe long before
        stream.write(f"! line {number} {'x' * 100}\n")
    first = os.read(reader, 1_000_000).decode().splitlines()
    assert first[0].startswith("! line 0 ")
    assert len(first) < 1000
    stream.write("* read again\n")
    then = os.read(reader, 1_000_000).decode().splitlines()
    assert then == [f"! {5000 - len(first)} lines lost: nobody read the log", "* read again"]
    os.close(reader)
    stream.write("the reader is gone\n")
    os.close(writer)
    stream.write("the descriptor is gone\n")


def test_a_long_line_is_written_whole_where_there_is_room() -> None:
    reader, writer = os.pipe()
    NeverWaiting(writer).write("x" * 20_000 + "\n")
    assert len(os.read(reader, 1_000_000)) == 20_001
    os.close(reader)
    os.close(writer)
