"""Block B, provisioning: boot, variables, reports, reset, network profiles, reconnection."""

from __future__ import annotations

from hil.certification.patterns import one_of
from hil.certification.registry import case
from hil.certification.states import booted
from hil.certification.trial import Trial

NO_COMPLAINT = one_of("NoError")


@case("TC_B_01_CS")
async def cold_boot_accepted(trial: Trial) -> None:
    """The station boots, is accepted, and reports every connector."""
    await booted(trial)
