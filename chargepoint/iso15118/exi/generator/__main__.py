"""Command line of the generator."""

from __future__ import annotations

import argparse
from pathlib import Path

import chargepoint.iso15118
from chargepoint.iso15118.exi.generator.emit_codec import CodecWriter
from chargepoint.iso15118.exi.generator.emit_messages import MessageWriter
from chargepoint.iso15118.exi.generator.modules import Library
from chargepoint.iso15118.exi.generator.xsd import SchemaFolder


def generate(schemas: Path, target: Path) -> list[Path]:
    """Writes `messages/*.py` and `exi/generated/*.py` below `target`; returns what it wrote."""
    library = Library(SchemaFolder(schemas))
    written: list[Path] = []
    for name, module in library.modules.items():
        for folder, text in (
            ("messages", MessageWriter(library, module).text()),
            ("exi/generated", CodecWriter(library, module).text()),
        ):
            path = target / folder / f"{name}.py"
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def main() -> None:
    """Reads the arguments and generates."""
    parser = argparse.ArgumentParser(prog="python -m chargepoint.iso15118.exi.generator", description=__doc__)
    parser.add_argument("--schemas", type=Path, required=True, help="folder of the XML Schemas")
    parser.add_argument(
        "--target",
        type=Path,
        default=Path(chargepoint.iso15118.__path__[0]),
        help="folder that holds messages/ and exi/",
    )
    arguments = parser.parse_args()
    for path in generate(arguments.schemas, arguments.target):
        print(f"{path} {path.stat().st_size}")  # noqa: T201  the answer of a command-line tool


if __name__ == "__main__":
    main()
