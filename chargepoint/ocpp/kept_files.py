"""Kept files: the mirror in memory of the station's secrets, which are files. A core; `ocpp/secrets_folder.py` reads and writes them.

Certificates and the password are files because libraries read them as such, and because a copy of the database must open no door.
A private key has its name here, never its content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chargepoint.ocpp.blocks.effects import KeepFile


class KeptFiles(Mapping[str, str]):
    """Content by name, relative to the folder, sorted by name. Read only: `keep` and `forget` make the effects that change it."""

    def __init__(self, entries: Mapping[str, str] | None = None, configured: Mapping[str, str] | None = None) -> None:
        self._entries = dict(entries or {})
        self.configured: Mapping[str, str] = dict(configured or {})
        """Certificates (PEM) that the configuration names, under names as `KeptFiles` has them. OCPP cannot change them."""

    def __getitem__(self, name: str) -> str:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, name: str, content: str) -> KeepFile:
        """The effect that gives the file this content."""
        return KeepFile(name, content)

    def forget(self, name: str) -> KeepFile:
        """The effect that removes the file."""
        return KeepFile(name, None)

    def made(self, name: str) -> None:
        """A job has made this private key."""
        self._entries[name] = ""

    def take(self, effect: KeepFile) -> None:
        """The effect is on the disk. For the performer only."""
        self._entries.pop(effect.name, None)
        if effect.content is not None:
            self._entries[effect.name] = effect.content

    def undoing(self, effect: KeepFile) -> KeepFile:
        """The effect that brings back what is kept now, before `effect` is taken. Not for private keys."""
        return KeepFile(effect.name, self._entries.get(effect.name))
