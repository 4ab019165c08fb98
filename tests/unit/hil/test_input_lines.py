"""Standard input of the simulators that stand alone."""

import asyncio
import os
from pathlib import Path

from hil.simulators.input_lines import lines_of


async def all_of(path: str | int) -> bytes:
    with open(path, encoding="utf-8") as source:  # noqa: ASYNC230  (a descriptor has no Path)
        return await (await lines_of(source)).read()


def test_dev_null_is_an_end() -> None:
    assert asyncio.run(all_of("/dev/null")) == b""


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "cards").write_text("04A2\n", encoding="utf-8")
    assert asyncio.run(all_of(str(tmp_path / "cards"))) == b"04A2\n"


def test_a_pipe_is_waited_for() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"04A2\n")
    os.close(writing)
    assert asyncio.run(all_of(reading)) == b"04A2\n"
