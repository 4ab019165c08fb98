"""An AC charge controller behind the register map of any `ac_controller` profile: the plant's box in its points."""

from __future__ import annotations

from drivers.profile.codec import Params
from drivers.profile.schema import DeviceProfile
from hil.plant.ac_controller import AcControllerPlant
from hil.plant.board import Board
from hil.simulators.registers.from_profile import ProfileDevice


class FollowingAcController(ProfileDevice):
    """Reports the pilot of its board; takes current and permission."""

    def __init__(self, unit: int, profile: DeviceProfile, params: Params, box: AcControllerPlant, board: Board) -> None:
        assert profile.controller is not None
        self._box, self._board = box, board
        self._state, _, self._part = profile.controller.state.partition(".")
        self._codes = {state.value: code for state, code in profile.controller.states.items()}
        self._named = {point.maps_to: point.name for point in profile.points.values()}
        super().__init__(unit, profile, params)

    @property
    def silent(self) -> bool:
        """As the plant's box says."""
        return self._box.silent

    def written(self, point: str, value: float) -> None:
        """Give it to the box."""
        if point == self._named["current_limit_A"]:
            self._box.order(limit_A=value)
        elif point == self._named.get("enable"):
            self._box.order(allowed=value == 1.0)
        elif point == self._named.get("off"):
            self._box.order(allowed=not int(value) & 1)

    def read(self, function: int, address: int, count: int) -> list[int] | None:
        """Registers and coils as the box is now."""
        self.show()
        return super().read(function, address, count)

    def show(self) -> None:
        """What the box shows now; a state that it has no number for is the last one."""
        box = self._box
        code = self._codes.get(int(self._board.pilot))
        if code is not None:
            shift = self.profile.points[self._state].bits[self._part][0] if self._part else 0
            self.values[self._state] = float(code << shift)
        self.values[self._named["current_limit_A"]] = box.limit_A
        if "enable" in self._named:
            self.values[self._named["enable"]] = float(box.allowed)
        if "off" in self._named:
            self.values[self._named["off"]] = float(not box.allowed)
