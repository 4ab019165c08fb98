"""The roots that vouch for contracts, as they lie in a folder now: mo_roots and v2g_roots."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, read_pem
from chargepoint.security.followed_files import FollowedFiles
from chargepoint.security.station_leaves import TrustError

FOLDERS = ("mo_roots", "v2g_roots")


def knows_operators(directory: Path) -> bool:
    """Whether the folder has a root of a mobility operator: contracts are wanted here."""
    return any((directory / "mo_roots").glob("*.pem"))


def contract_roots(
    directory: Path, log: logging.Logger, installed: Path | None = None
) -> FollowedFiles[tuple[CertificateFacts, ...]]:
    """The roots in `directory` and in `installed` (what came over OCPP), followed: ask `current()` at each contract.

    No root at all is an empty tuple. Raises TrustError where a file holds no certificate.
    """
    folders = (directory,) if installed is None else (directory, installed)
    return FollowedFiles("roots of contracts", lambda: _files(folders), lambda: tuple(_roots(folders)), log)


def _files(directories: Sequence[Path]) -> Iterator[Path]:
    for directory in directories:
        for folder in FOLDERS:
            yield from sorted((directory / folder).glob("*.pem"))


def _roots(directories: Sequence[Path]) -> Iterator[CertificateFacts]:
    for file in _files(directories):
        try:
            yield from read_pem(file.read_bytes())
        except (OSError, CertificateUnreadable) as error:
            raise TrustError(f"{file}: no root certificate: {error}; put a PEM file there") from error
