"""What `chargepoint check` looks at beyond the file itself: drivers, and the files and interfaces of this computer.

The two processes find the same mistakes when they start; here all of them are found at once, before a start.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from chargepoint.config.car_section import TlsPolicy
from chargepoint.config.doubts import doubts as doubtful_values
from chargepoint.config.load import Check
from chargepoint.config.schema import Config
from chargepoint.model.unusable import Mistake, Unusable
from chargepoint.ocpp import credentials
from chargepoint.power.wiring import doubtful_buses, doubtful_devices, examine
from chargepoint.security.contract_roots import contract_roots
from chargepoint.security.tls import secc_context


def checks() -> Sequence[Check]:
    """What prevents a start."""
    return (examine, central_system_files, file_server_files, car_files)


def doubts() -> Sequence[Check]:
    """What prevents no start and is hardly meant."""
    return (doubtful_values, doubtful_buses, doubtful_devices, missing_interfaces)


def central_system_files(config: Config) -> Iterator[Mistake]:
    """Files of [csms] that are missing, unreadable, or not what their key promises."""
    csms = config.csms
    if not csms.enabled:
        return
    keys = {1: ("password_file",), 2: ("password_file", "ca_file"), 3: ("ca_file", "certificate_file", "key_file")}
    found = False
    for key in keys[csms.security_profile]:
        path: Path | None = getattr(csms, key)
        if path is not None and (problem := _unreadable(path) or _no_pem(key, path)) is not None:
            found = True
            yield Mistake(("csms", key), f"= {str(path)!r}: {problem}", "put the right file there, or correct the path")
    complete = csms.security_profile == 1 or csms.url.startswith("wss:")
    if not found and complete and not (csms.security_profile == 3 and None in (csms.certificate_file, csms.key_file)):
        try:
            credentials.check(csms)
        except Unusable as error:
            key = next((name for name in keys[csms.security_profile] if name in str(error)), "security_profile")
            problem = str(error).removeprefix(f"[csms] {key} ").removeprefix("[csms] ")
            yield Mistake(("csms", key), problem, "correct the file")


def file_server_files(config: Config) -> Iterator[Mistake]:
    """Files of [station] for SFTP that are missing, unreadable, or a private key that everybody may read."""
    for key in ("sftp_known_hosts_file", "sftp_key_file"):
        path: Path | None = getattr(config.station, key)
        if path is None:
            continue
        problem, remedy = _unreadable(path), "put the right file there, or correct the path"
        if problem is None and key == "sftp_key_file" and path.stat().st_mode & 0o007:
            problem, remedy = "every user may read it", f"chmod o= {path}"
        if problem is not None:
            yield Mistake(("station", key), f"= {str(path)!r}: {problem}", remedy)


def car_files(config: Config) -> Iterator[Mistake]:
    """Keys and roots for cars: `[iso15118] certificate_dir`, needed where a connector speaks TLS."""
    section = config.iso15118
    wanted = section.enabled and section.tls is not TlsPolicy.OFF
    if not wanted or not any(evse.interface is not None for evse in config.evse.values()):
        return
    if section.certificate_dir is None:
        if section.tls is TlsPolicy.REQUIRED:
            yield Mistake(
                ("iso15118", "certificate_dir"),
                "is required by tls = 'required'",
                "add it; ./run certs DIR makes keys for a bench",
            )
        return
    try:
        secc_context(section.certificate_dir)
        contract_roots(section.certificate_dir, logging.getLogger("check"))
    except Unusable as error:
        yield Mistake(
            ("iso15118", "certificate_dir"),
            f"= {str(section.certificate_dir)!r}: {error}",
            "put the station's keys there; ./run certs DIR makes keys for a bench",
        )


def missing_interfaces(config: Config) -> Iterator[Mistake]:
    """Network interfaces that are not there now: a modem may come later, a misspelt name never does."""
    known = [name for _, name in socket.if_nameindex()]
    for number, evse in config.evse.items():
        for key in ("interface", "slac_interface"):
            name: str | None = getattr(evse, key)
            if config.iso15118.enabled and name is not None and name not in known:
                yield Mistake(
                    ("evse", number, key),
                    f"= {name!r}: no such network interface now",
                    f"plug the modem in, or name one of: {', '.join(known)}",
                )


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)


def _no_pem(key: str, path: Path) -> str | None:
    """What is wrong with a certificate or key file that can be read; None for a good one, and for other files."""
    try:
        if key in ("ca_file", "certificate_file"):
            x509.load_pem_x509_certificates(path.read_bytes())
        elif key == "key_file":
            serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "no PEM private key without a password" if key == "key_file" else "no PEM certificate"
    return None
