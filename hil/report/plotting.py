"""The plotting library uPlot: fetched once, checked, kept in the virtual environment. Pages embed it; without it they are drawn plainly.

uPlot 1.6.32, MIT licence. Address and integrity are those that the npm registry names (`npm view uplot@1.6.32 dist`).
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import tarfile
import urllib.request
from pathlib import Path

VERSION = "1.6.32"
ADDRESS = f"https://registry.npmjs.org/uplot/-/uplot-{VERSION}.tgz"
INTEGRITY = "KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw=="
"""SHA-512 of the package, base64."""
PATIENCE_S = 10.0
PACKAGE_MAX_BYTES = 5_000_000

SCRIPT, STYLE, LICENCE = "uPlot.iife.min.js", "uPlot.min.css", "LICENSE"
_MEMBERS = {SCRIPT: f"package/dist/{SCRIPT}", STYLE: f"package/dist/{STYLE}", LICENCE: "package/LICENSE"}


class PlottingMissing(RuntimeError):
    """The library could not be had; the text says why, and what to do."""


def library_folder() -> Path:
    """Where the library is kept: in the environment of this Python."""
    return Path(sys.prefix) / "share" / "chargepoint-hil" / f"uplot-{VERSION}"


def library(folder: Path | None = None) -> tuple[str, str]:
    """Script and style; both empty where the library is not there. The licence stands before the script, as it demands."""
    kept = folder or library_folder()
    try:
        licence, script, style = ((kept / name).read_text(encoding="utf-8") for name in (LICENCE, SCRIPT, STYLE))
    except OSError:
        return "", ""
    return f"/* uPlot {VERSION}\n{licence.replace('*/', '')}*/\n{script}", style


def prepare(package: Path | None = None, folder: Path | None = None) -> Path:
    """Fetch the library, or take it from a package file, unless it is there already. Raises PlottingMissing."""
    kept = folder or library_folder()
    if package is None and all((kept / name).is_file() for name in _MEMBERS):
        return kept
    data = _fetched() if package is None else _read(package)
    _keep(checked(data, str(package or ADDRESS)), kept)
    return kept


def checked(data: bytes, origin: str) -> bytes:
    """The same bytes, where they are the package. Raises PlottingMissing."""
    found = base64.b64encode(hashlib.sha512(data).digest()).decode("ascii")
    if found != INTEGRITY:
        raise PlottingMissing(f"{origin}: its SHA-512 is {found}, and {INTEGRITY} was expected: it is not kept")
    return data


def _fetched() -> bytes:
    try:
        with urllib.request.urlopen(ADDRESS, timeout=PATIENCE_S) as answer:
            data: bytes = answer.read(PACKAGE_MAX_BYTES)
            return data
    except OSError as error:
        raise PlottingMissing(
            f"{ADDRESS} cannot be read: {error}. Pages are drawn without zoom. Without a network: fetch that file elsewhere, "
            "then run ./run hil plots FILE"
        ) from error


def _read(package: Path) -> bytes:
    try:
        return package.read_bytes()
    except OSError as error:
        raise PlottingMissing(f"{package} cannot be read: {error.strerror}") from error


def _keep(data: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as package:
        for name, member in _MEMBERS.items():
            content = package.extractfile(member)
            assert content is not None  # the integrity was checked: the package is the known one
            fresh = folder / f".{name}.{os.getpid()}"
            fresh.write_bytes(content.read())
            fresh.replace(folder / name)
