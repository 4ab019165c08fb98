"""What the fuse guard works by, from the configuration."""

from __future__ import annotations

from chargepoint.config.schema import FuseGuardSection
from chargepoint.energy.fuse_guard import FuseGuardRules


def fuse_guard_rules(section: FuseGuardSection) -> FuseGuardRules | None:
    """In watts of all phases together; None: no guard is configured."""
    if section.fuse_A is None:
        return None
    watts_per_A = section.voltage_V * section.phases
    export_A = section.fuse_A if section.export_max_A is None else section.export_max_A
    return FuseGuardRules(
        import_max_W=section.fuse_A * watts_per_A,
        export_max_W=export_A * watts_per_A,
        margin_W=section.margin_A * watts_per_A,
        silent_import_W=section.silent_import_A * watts_per_A,
        silent_export_W=section.silent_export_A * watts_per_A,
        silent_after_s=section.silent_after_s,
        delay_s=section.meter_delay_s,
        give_back_W_per_s=section.give_back_A_per_s * watts_per_A,
        dead_band_W=section.dead_band_A * watts_per_A,
    )
