"""Block I, tariff and cost: messages about money that a station shows. A person looks at the display; the suite checks the messages."""

from __future__ import annotations

from hil.certification.patterns import PRESENT, Payload
from hil.certification.registry import case
from hil.certification.states import (
    authorized,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_unoccupied,
    transaction_event,
)
from hil.certification.trial import Trial

TARIFF: Payload = {"format": "UTF8", "content": "0.40 EUR per kWh", "language": "en"}
COSTS = (1.5, 2.25)
TOTAL_COST = 3.75


async def _running_costs(trial: Trial, further: Payload) -> None:
    """Tariff at the authorisation, running cost while energy flows."""
    info = {"status": "Accepted", "personalMessage": TARIFF}
    trial.csms.answers.order("Authorize", {"idTokenInfo": info})
    trial.csms.answers.order("TransactionEvent", {"idTokenInfo": info}, where={"idToken": PRESENT})
    await trial.sets("SampledDataCtrlr", "TxUpdatedInterval", "1")
    await ev_connected_pre_session(trial)
    await authorized(trial, remote=False)
    await energy_transfer_started(trial)
    answer = {"updatedPersonalMessage": TARIFF, **further}
    for cost in COSTS:
        trial.csms.answers.order("TransactionEvent", answer, where={"triggerReason": "MeterValuePeriodic"})
        await transaction_event(trial, 6, {"triggerReason": "MeterValuePeriodic"})
        update = {"totalCost": cost, "transactionId": trial.session.transaction_id}
        if not further:
            await trial.calls(8, "CostUpdated", update)


@case("TC_I_01_CS")
async def running_cost(trial: Trial) -> None:
    """Running cost by CostUpdated."""
    await _running_costs(trial, {})


@case("TC_I_07_CS")
async def running_cost_in_answers(trial: Trial) -> None:
    """Running cost in the answers to TransactionEvent."""
    await _running_costs(trial, {"totalCost": COSTS[0]})


@case("TC_I_02_CS")
async def final_cost(trial: Trial) -> None:
    """The total cost in the answer to the Ended event."""
    trial.csms.answers.order("TransactionEvent", {"totalCost": TOTAL_COST}, where={"eventType": "Ended"})
    await energy_transfer_started(trial)
    await parking_bay_unoccupied(trial)
