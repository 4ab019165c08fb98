"""A meter of alternating current behind the register map of any `powermeter_ac` profile: the plant's phases in its points."""

from __future__ import annotations

from drivers.profile.codec import Params
from drivers.profile.schema import DeviceProfile
from hil.plant.ac_outlet import AcOutletPlant
from hil.plant.grid import GridConnection
from hil.simulators.registers.from_profile import ProfileDevice


class FollowingAcMeter(ProfileDevice):
    """Currents are magnitudes, as most of these meters show them; the sign is that of the power."""

    def __init__(
        self, unit: int, profile: DeviceProfile, params: Params, outlet: AcOutletPlant | GridConnection
    ) -> None:
        self._outlet = outlet
        self._last: dict[str, float] = {}
        super().__init__(unit, profile, params)

    @property
    def silent(self) -> bool:
        """As the plant's meter says."""
        return self._outlet.meter.silent

    def show(self) -> None:
        """What the plant shows now; a frozen meter shows what it showed last."""
        if not self._outlet.meter.frozen or not self._last:
            self._last = self._meanings()
        for point in self.profile.points.values():
            if point.maps_to in self._last:
                self.values[point.name] = self._last[point.maps_to]

    def _meanings(self) -> dict[str, float]:
        outlet, meter = self._outlet, self._outlet.meter
        signs = tuple(-1.0 if number == outlet.reversed_phase else 1.0 for number in (1, 2, 3))
        currents = tuple(
            current_A * meter.current_gain * sign for current_A, sign in zip(outlet.currents_A, signs, strict=True)
        )
        powers = tuple(volts * amperes for volts, amperes in zip(outlet.voltages_V, currents, strict=True))
        total_W = sum(powers)
        shown = {
            "power_W": total_W,
            "power_import_W": max(0.0, total_W),
            "power_export_W": max(0.0, -total_W),
            "frequency_Hz": outlet.grid.seen_Hz,
            "import_Wh": meter.import_Wh,
            "export_Wh": meter.export_Wh,
        }
        for number, (volts, amperes, watts) in enumerate(zip(outlet.voltages_V, currents, powers, strict=True), 1):
            shown |= {f"voltage_L{number}_V": volts, f"current_L{number}_A": abs(amperes), f"power_L{number}_W": watts}
        return shown
