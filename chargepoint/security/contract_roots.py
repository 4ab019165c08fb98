"""The roots that vouch for contracts, as they lie in a folder now: mo_roots and v2g_roots."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from chargepoint.security.certificates import CertificateFacts, CertificateUnreadable, read_pem
from chargepoint.security.followed_files import FollowedFiles
from chargepoint.security.tls import TrustError

FOLDERS = ("mo_roots", "v2g_roots")


def knows_operators(directory: Path) -> bool:
    """Whether the folder has a root of a mobility operator: contracts are wanted here."""
    return any((directory / "mo_roots").glob("*.pem"))


def contract_roots(directory: Path, log: logging.Logger) -> FollowedFiles[tuple[CertificateFacts, ...]]:
    """The roots in `directory`, followed: ask `current()` at each contract. No root at all is an empty tuple.

    Raises TrustError where a file holds no certificate.
    """
    return FollowedFiles("roots of contracts", lambda: _files(directory), lambda: tuple(_roots(directory)), log)


def _files(directory: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        yield from sorted((directory / folder).glob("*.pem"))


def _roots(directory: Path) -> Iterator[CertificateFacts]:
    for file in _files(directory):
        try:
            yield from read_pem(file.read_bytes())
        except (OSError, CertificateUnreadable) as error:
            raise TrustError(f"{file}: no root certificate: {error}; put a PEM file there") from error
