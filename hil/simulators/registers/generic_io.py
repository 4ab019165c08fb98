"""The generic pilot and IO board, map v1, from the board's side: docs/sources/hardware.md 4."""

from __future__ import annotations

from hil.plant.board import Board
from hil.simulators.registers.device_map import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, signed_word

ABSENT = 0x7FFF


class GenericIo:
    """Inputs 0..23, holding 0..23 (the same again, for function 23), 100..104, 110, 111."""

    coils = (0, 1)
    inputs = (0, 24)
    holding = (0, 112)

    def __init__(self, unit: int, board: Board) -> None:
        self.unit = unit
        self._board = board
        self._written = [0, 0, 0, 0, 0xFFFF]
        self._frozen: list[int] | None = None

    @property
    def silent(self) -> bool:
        return self._board.silent

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        if function == 4 or address + count <= 24:
            if address + count > 24 or (count < 24 and not self._board.reads_parts):
                return None
            return self._inputs()[address : address + count]
        if address < 100 or (function == 3 and address + count > 112):
            return None
        block = [*self._written, 0, 0, 0, 0, 0, round(self._board.watchdog_timeout_s * 1000), 0]
        return block[address - 100 : address - 100 + count]

    def _inputs(self) -> list[int]:
        if not self._board.frozen:
            self._frozen = None
            return self._shown()
        if self._frozen is None:
            self._frozen = self._shown()
        return self._frozen

    def _shown(self) -> list[int]:
        b = self._board
        feedback = (b.positive.closed, b.negative.closed, b.precharge.closed, b.discharge.closed)
        i = b.inputs
        inputs = (
            *(i.emergency_chain, i.door_closed, i.insulation_relay, i.rcd),
            *(i.surge_arrester, i.fan, not i.upright, i.hardware_chain),
        )
        pwm = (
            b.duty_percent + b.duty_offset_percent
            if b.generator.name == "PWM"
            else 100.0
            if b.generator.name == "X1"
            else 0.0
        )
        tenths = signed_word(b.temperature_degC * 10)
        return [
            *(
                b.map_version,
                self._caps(),
                0x0100,
                int(b.uptime_s) & 0xFFFF,
                b.sequence,
                int(b.pilot),
            ),
            *(signed_word(b.high_V * 1000), signed_word(b.low_V * 1000), round(pwm * 100)),
            *(
                b.proximity_ohm,
                b.lock_state if b.lock_shown is None else b.lock_shown,
                b.outputs,
                _bits(feedback),
                _bits(inputs),
                b.latched,
            ),
            *(
                self._temperature("positive"),
                self._temperature("negative"),
                tenths,
                self._temperature("cabinet"),
                ABSENT,
                ABSENT,
            ),
            *(12_000, b.reset_reason, 0xBEEF),
        ]

    def _caps(self) -> int:
        b = self._board
        return 0b111 | b.reads_parts << 3 | b.reads_and_writes << 4 | b.takes_quick_stops << 5

    def _temperature(self, sensor: str) -> int:
        shown_degC = self._board.shown_degC(sensor)
        return ABSENT if shown_degC is None else signed_word(shown_degC * 10)

    def write(self, function: int, address: int, values: list[int]) -> int:
        if function == 23 and not self._board.reads_and_writes:
            return ILLEGAL_FUNCTION
        if address == 100 and len(values) == 5:
            self._written = list(values)
            self._board.write(*values)
            return 0
        if address == 110 and len(values) == 1:
            if not 100 <= values[0] <= 5000:
                return ILLEGAL_VALUE
            self._board.watchdog_timeout_s = values[0] / 1000
            return 0
        if address == 111 and len(values) == 1:
            return 0 if self._board.clear(values[0]) else ILLEGAL_VALUE
        return ILLEGAL_ADDRESS


def _bits(flags: tuple[bool, ...]) -> int:
    return sum(1 << i for i, flag in enumerate(flags) if flag)
