"""The proof that the suite finds faults: each planted fault fails each of its cases, which pass without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hil.certification.catalogue import CatalogueRow
from hil.certification.planted import PlantedFault
from hil.certification.results import CaseOutcome, CaseVerdict
from hil.certification.runner import Runner


@dataclass(frozen=True, slots=True)
class FaultProof:
    """One case without and with one planted fault."""

    fault: PlantedFault
    without: CaseOutcome
    with_fault: CaseOutcome

    @property
    def holds(self) -> bool:
        """The case passes without the fault. It fails with the fault, which altered frames."""
        fails = self.with_fault.verdict is CaseVerdict.FAILED and self.with_fault.altered > 0
        return fails and self.without.verdict is CaseVerdict.PASSED

    def as_json(self) -> dict[str, object]:
        """For a result file."""
        return {
            "fault": self.fault.name,
            "words": self.fault.words,
            "case": self.without.row.case_id,
            "without": self.without.verdict.value,
            "with": self.with_fault.verdict.value,
            "reason": self.with_fault.reason,
            "holds": self.holds,
        }


async def prove(
    runner: Runner,
    faults: Iterable[PlantedFault],
    cases_of: Callable[[PlantedFault], tuple[CatalogueRow, ...]],
    report: Callable[[FaultProof], None],
) -> list[FaultProof]:
    """First every case without a fault, then each fault with its cases. Each result is reported as soon as it is known."""
    faults = tuple(faults)
    rows = {row.case_id: row for fault in faults for row in cases_of(fault)}
    runner.plant(None)
    without = {outcome.row.case_id: outcome for outcome in await runner.run(rows.values(), lambda _: None)}
    undecided = [row for row in rows.values() if without[row.case_id].verdict is CaseVerdict.UNDECIDED]
    if undecided:  # a busy machine kept the bench from carrying the case out: once more
        without |= {outcome.row.case_id: outcome for outcome in await runner.run(undecided, lambda _: None)}
    proofs = []
    for fault in faults:
        runner.plant(fault)
        for outcome in await runner.run(cases_of(fault), lambda _: None):
            proofs.append(FaultProof(fault, without[outcome.row.case_id], outcome))
            report(proofs[-1])
    runner.plant(None)
    return proofs
