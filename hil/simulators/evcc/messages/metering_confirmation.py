"""MeteringConfirmation: the meter reading of the last loop, signed with the contract's key, on its own payload type."""

from __future__ import annotations

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import MeterInfo
from hil.simulators.evcc.memory import CarMemory
from hil.simulators.evcc.messages.power_delivery import loop_step
from hil.simulators.evcc.steps import Next

NO_READING = MeterInfo(MeterID="", ChargedEnergyReadingWh=0)


def request(memory: CarMemory) -> cm.MeteringConfirmationReq:
    """Unsigned where the car has no contract."""
    scheduled = memory.selected.scheduled
    tuple_id = 1 if memory.schedule is None else memory.schedule.ScheduleTupleID
    data = cm.SignedMeteringData(
        Id="id1",
        SessionID=memory.session_id,
        MeterInfo=memory.meter or NO_READING,
        Scheduled_SMDTControlMode=cm.Scheduled_SMDTControlMode(SelectedScheduleTupleID=tuple_id) if scheduled else None,
        Dynamic_SMDTControlMode=None if scheduled else cm.Dynamic_SMDTControlMode(),
    )
    sign = None if memory.credentials is None else memory.credentials.sign
    header = memory.header(None if sign is None else sign(data))
    return cm.MeteringConfirmationReq(Header=header, SignedMeteringData=data)


def answered(memory: CarMemory, _: cm.MeteringConfirmationRes) -> Next:
    """Back to the charge loop."""
    return Next(loop_step(memory))
