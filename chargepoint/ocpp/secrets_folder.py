"""The folder of the station's secrets: private keys, the password, certificates that came over OCPP. A shell.

The folder has mode 0700, its files 0600. A file is written whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.effects import KeepFile
from chargepoint.ocpp.certificate_stock import CAR_ROOTS, CSMS_ROOTS, SECC_CHAIN, STATION_CHAIN
from chargepoint.store.errors import StoreError

_READ_SUFFIXES = ("", ".pem", ".old")


class SecretsFolder:
    """One folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self) -> dict[str, str]:
        """Content of every file by its name relative to the folder; of a private key only the name. Raises StoreError.

        To be called before anything is written: a draft that a power cut left is removed, as secrets may be in it.
        """
        found = {}
        try:
            for file in sorted(self.directory.rglob("*")):
                if file.is_file() and file.name.startswith("."):
                    file.unlink()
                elif file.is_file():
                    name = file.relative_to(self.directory).as_posix()
                    found[name] = file.read_text("utf-8") if file.suffix in _READ_SUFFIXES else ""
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{self.directory}: {error}; the station's own secrets must be readable") from error
        return found

    def write(self, effect: KeepFile) -> None:
        """Do what the effect says; it is on the disk afterwards. Raises StoreError."""
        file = self.directory / effect.name
        try:
            if effect.content is None:
                file.unlink(missing_ok=True)
            else:
                self._write(file, effect.content)
            _sync(file.parent)
        except OSError as error:
            raise StoreError(f"{file}: {error.strerror}") from error

    def _write(self, file: Path, content: str) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)


def configured_certificates(csms: CsmsSection, certificate_dir: Path | None) -> dict[str, str]:
    """What the configuration names, under names as `KeptFiles` has them; a file that cannot be read is left out."""
    found: dict[str, Path] = {}
    if csms.ca_file is not None:
        found[f"{CSMS_ROOTS}/configured.pem"] = csms.ca_file
    if csms.certificate_file is not None:
        found[f"{STATION_CHAIN}.pem"] = csms.certificate_file
    if certificate_dir is not None:
        for pattern in (*(f"{folder}/*.pem" for folder in CAR_ROOTS), f"{SECC_CHAIN}*.pem"):
            found |= {file.relative_to(certificate_dir).as_posix(): file for file in certificate_dir.glob(pattern)}
    texts: dict[str, str] = {}
    for name, file in found.items():
        with contextlib.suppress(OSError, UnicodeDecodeError):
            texts[name] = file.read_text("utf-8")
    return texts


def _sync(directory: Path) -> None:
    if not directory.exists():
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
