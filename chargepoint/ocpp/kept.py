"""What is kept: the mirror in memory of what the blocks keep in the store.

A block reads its space, and changes it only by `Keep` effects. The mirror follows after the effect is on the disk: what a block reads
survives a power cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from chargepoint.store.rows import Json, Keep


class Space(Mapping[str, Json]):
    """The kept entries of one owner, oldest first. Read only: `keep` and `forget` make the effects that change it."""

    def __init__(self, name: str, entries: Mapping[str, Json]) -> None:
        self.name = name
        self._entries = dict(entries)

    def __getitem__(self, key: str) -> Json:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, key: str, value: Json) -> Keep:
        """The effect that keeps this value, replacing an earlier one; the entry is then the youngest. `value` is not None."""
        return Keep(self.name, key, value)

    def forget(self, key: str) -> Keep:
        """The effect that forgets this entry."""
        return Keep(self.name, key, None)

    def forget_all(self) -> tuple[Keep, ...]:
        """The effects that forget every entry."""
        return tuple(self.forget(key) for key in self._entries)

    def take(self, key: str, value: Json) -> None:
        """The effect is on the disk. For `Kept` only."""
        self._entries.pop(key, None)
        if value is not None:
            self._entries[key] = value


class Kept:
    """All spaces of the blocks. `read` gives what the store keeps in a space; each space is read once."""

    def __init__(self, read: Callable[[str], Mapping[str, Json]]) -> None:
        self._read = read
        self._spaces: dict[str, Space] = {}

    def space(self, name: str) -> Space:
        """The space of this name; the same object each time."""
        if name not in self._spaces:
            self._spaces[name] = Space(name, self._read(name))
        return self._spaces[name]

    def take(self, keep: Keep) -> None:
        """The effect is on the disk."""
        self.space(keep.space).take(keep.key, keep.value)

    def undoing(self, keep: Keep) -> Keep:
        """The effect that brings back what is kept now, before `keep` is taken."""
        return Keep(keep.space, keep.key, self.space(keep.space).get(keep.key))
