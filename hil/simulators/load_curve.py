"""Load curves of a day, as data in `loads/*.toml`: what stands behind the station's connection beside the EVSEs. A core."""

from __future__ import annotations

import math
import tomllib
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "loads"
DAY_H = 24.0


class BadLoadCurve(ValueError):
    """A file that is no load curve. The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class LoadCurve:
    """Straight lines between its points; the day repeats. Positive power comes from the grid. `at_h` rises from 0 to 24."""

    title: str
    at_h: tuple[float, ...]
    power_W: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raises BadLoadCurve."""
        if len(self.at_h) != len(self.power_W) or len(self.at_h) < 2:
            raise BadLoadCurve(
                f"at_h has {len(self.at_h)} values, power_W {len(self.power_W)}: as many, and at least 2"
            )
        if not all(math.isfinite(value) for value in (*self.at_h, *self.power_W)):
            raise BadLoadCurve("at_h and power_W must be finite numbers")
        if self.at_h[0] != 0.0 or self.at_h[-1] != DAY_H or list(self.at_h) != sorted(set(self.at_h)):
            raise BadLoadCurve(f"at_h = {self.at_h}: it must rise from 0 to {DAY_H:g}")

    def at(self, hour: float) -> float:
        """Watts at this hour; 25 is 1 of the next day."""
        hour %= DAY_H
        after = min(bisect_right(self.at_h, hour), len(self.at_h) - 1)
        begin_h, end_h = self.at_h[after - 1], self.at_h[after]
        share = (hour - begin_h) / (end_h - begin_h)
        return self.power_W[after - 1] + share * (self.power_W[after] - self.power_W[after - 1])


def read_load_curve(path: Path) -> LoadCurve:
    """Raises BadLoadCurve or OSError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        title, at_h, power_W = str(found["title"]), found["at_h"], found["power_W"]
        return LoadCurve(title, tuple(float(one) for one in at_h), tuple(float(one) for one in power_W))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BadLoadCurve(f"{path}: title, at_h and power_W are expected: {error}") from error
    except ValueError as error:
        raise BadLoadCurve(f"{path}: {error}") from error


def load_curve(name: str) -> LoadCurve:
    """One of the folder by its name, or a file. Raises BadLoadCurve or OSError."""
    own = FOLDER / f"{name}.toml"
    return read_load_curve(own if own.exists() else Path(name))


def together_W(curves: Iterable[LoadCurve], hour: float) -> float:
    """The sum at this hour."""
    return sum(curve.at(hour) for curve in curves)
