"""Jobs: long work that a block orders and another part of the room does. Words only; `ocpp/job_runner.py` does the work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GenerateKey:
    """Make a private key and its signing request (PKCS#10, PEM). `curve`: `secp256r1`, `secp384r1`, `secp521r1`.

    An empty `organization` is left out.

    The key stays in the file `key_file` of the station's secrets; the block never sees it.
    """

    common_name: str
    organization: str
    curve: str
    key_file: str


Job = GenerateKey


@dataclass(frozen=True, slots=True)
class JobProgress:
    """The work goes on. `text` for people."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class JobDone:
    """The work is done. `result`: what the job promises, as text."""

    name: str
    result: str


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The work came to nothing. `code` is for decisions, `text` for people."""

    name: str
    code: str
    text: str


JobEvent = JobProgress | JobDone | JobFailed
