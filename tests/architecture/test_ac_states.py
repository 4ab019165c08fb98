"""The diagram of the stage at an AC outlet is that of the code: random lives of the sequence go along every arrow, and no other."""

from __future__ import annotations

import random

from chargepoint.model.demand import AcOrder, Phase, PilotCommand, StageDemand
from chargepoint.model.faults import Severity
from chargepoint.model.ids import EvseId
from chargepoint.model.image import Contactor, ControlPilot, Lock
from chargepoint.power.ac_sequence import AcSequence
from chargepoint.power.sequence import SequenceInputs
from tests.architecture.state_diagrams import PAGE, Arrows, diagram

DRAWN = diagram(PAGE.read_text(), "## Stage at an AC outlet")


def arrows_of_a_life(seed: int) -> Arrows:
    """What a sequence does in 60 s when everything around it changes at random moments."""
    chance, sequence, seen = random.Random(seed), AcSequence(), Arrows()
    phase, severity, stuck, pilot, closed, now_s = Phase.OFF, None, None, ControlPilot.C, False, 0.0
    for _ in range(600):
        now_s += 0.1
        if chance.random() < 0.15:
            phase = chance.choice([Phase.OFF, Phase.TRANSFER, Phase.TRANSFER])
            severity = chance.choice([None, None, None, Severity.ERROR, Severity.EMERGENCY])
            stuck = chance.choice([None, None, None, Contactor.OPEN, Contactor.CLOSED])
            pilot = chance.choice([ControlPilot.B, ControlPilot.C, ControlPilot.C, ControlPilot.C])
        demand = StageDemand(
            EvseId(1), 1, 0.5, phase, PilotCommand.PWM, 5.0, True, 7_000.0, order=AcOrder.even(3, 16.0)
        )
        contactor = stuck or (Contactor.CLOSED if closed else Contactor.OPEN)
        before = sequence.stage.name
        out = sequence.step(
            SequenceInputs(
                now_s,
                demand,
                severity,
                pilot,
                Lock.LOCKED,
                contactor,
                230.0,
                chance.choice([0.0, 16.0]),
                None,
                None,
                30.0,
            )
        )
        closed = out.io.contactor
        if out.stage.name != before:
            seen.add((before, out.stage.name))
    return seen


def test_random_lives_go_along_every_arrow_and_no_other() -> None:
    seen = set().union(*(arrows_of_a_life(seed) for seed in range(60)))
    assert seen == DRAWN
