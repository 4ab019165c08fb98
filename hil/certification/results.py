"""The outcome of a run: a verdict per case with its checks and frames, as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from hil.certification.catalogue import CatalogueRow
from hil.certification.frames import FrameRecord
from hil.certification.validation import Validation


class CaseVerdict(Enum):
    """What became of a case."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    """The suite or the bench could not carry the case out."""
    NOT_APPLICABLE = "not applicable"
    NOT_WRITTEN = "not written"


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """One case of a run."""

    row: CatalogueRow
    verdict: CaseVerdict
    reason: str = ""
    """The first failed check, the condition that excludes the case, or what went wrong in the suite."""
    seconds: float = 0.0
    validations: list[Validation] = field(default_factory=list)
    frames: list[FrameRecord] = field(default_factory=list)
    restored: str = ""
    """How the station came back to its beginning, where that needed more than the usual."""
    altered: int = 0
    """How many frames a planted fault altered."""

    def as_json(self) -> dict[str, Any]:
        """The frames are in it only where the case did not pass."""
        kept = self.frames if self.verdict in (CaseVerdict.FAILED, CaseVerdict.UNDECIDED) else []
        return {
            "id": self.row.case_id,
            "name": self.row.name,
            "profiles": {profile: demand.value for profile, demand in self.row.profiles.items()},
            "requirements": list(self.row.requirements),
            "verdict": self.verdict.value,
            "reason": self.reason,
            "seconds": round(self.seconds, 2),
            "checks": len(self.validations),
            "failed_checks": [validation.words() for validation in self.validations if not validation.passed],
            "restored": self.restored,
            "frames": [[round(frame.at_s, 3), frame.direction, frame.text] for frame in kept],
        }


def summary(outcomes: Iterable[CaseOutcome]) -> dict[str, Any]:
    """How many cases came to each verdict: in all, of the mandatory ones, and by block."""
    outcomes = list(outcomes)
    mandatory = [outcome for outcome in outcomes if outcome.row.demand is not None and outcome.row.demand.value == "M"]
    blocks: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        blocks.setdefault(outcome.row.block, Counter())[outcome.verdict.value] += 1
    return {
        "cases": len(outcomes),
        "verdicts": dict(Counter(outcome.verdict.value for outcome in outcomes)),
        "mandatory": dict(Counter(outcome.verdict.value for outcome in mandatory)),
        "blocks": {block: dict(counts) for block, counts in sorted(blocks.items())},
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
    }
