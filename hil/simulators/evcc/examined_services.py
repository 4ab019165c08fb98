"""The examiner's rules for session setup, authorization setup, service discovery and service detail."""

from __future__ import annotations

from typing import Any

from chargepoint.iso15118.messages import common_messages as cm
from chargepoint.iso15118.messages.common_types import ResponseCode
from hil.simulators.evcc.memory import AC_BPT, AC_SERVICES, BPT_SERVICES, CarMemory
from hil.simulators.evcc.messages.service_detail import value_of

SESSION_ID_BYTES = 8
_EVERY_SET = ("Connector", "ControlMode", "MobilityNeedsMode", "Pricing")
_BPT_SET = ("BPTChannel", "GeneratorMode")
_ISLANDING = ("GridCodeIslandingDetectionMethod", "DetectionMethodGridCodeIslanding")
_VALUES: dict[str, tuple[int, ...]] = {
    "ControlMode": (1, 2),
    "MobilityNeedsMode": (1, 2),
    "Pricing": (0, 1, 2),
    "BPTChannel": (1, 2),
    "GeneratorMode": (1, 2),
}
VAS = (65, 66)
"""Internet, ParkingStatus."""


def session_setup(request: Any, answer: cm.SessionSetupRes, memory: CarMemory) -> list[str]:
    """A new session has a new id, a joined one the old id; neither is zero."""
    found, wished, given = [], request.Header.SessionID, answer.Header.SessionID
    if given == bytes(SESSION_ID_BYTES) or len(given) != SESSION_ID_BYTES:
        found.append(f"session id {given.hex()}: 8 bytes, not zero")
    joined = answer.ResponseCode is ResponseCode.OK_OldSessionJoined
    if answer.ResponseCode is ResponseCode.OK:
        found.append("OK alone: OK_NewSessionEstablished or OK_OldSessionJoined")
    if joined and given != wished:
        found.append(f"an old session is joined under the id {given.hex()}: {wished.hex()} was asked for")
    if not joined and given == wished and wished != bytes(SESSION_ID_BYTES):
        found.append("a new session has the id of the old one")
    return found


def authorization_setup(_: Any, answer: cm.AuthorizationSetupRes, memory: CarMemory) -> list[str]:
    """The mode of the answer goes with the services: PnC where PnC is offered."""
    found = []
    offers_pnc = cm.Authorization.PnC in answer.AuthorizationServices
    if len(set(answer.AuthorizationServices)) != len(answer.AuthorizationServices):
        found.append("an authorization service is listed twice")
    if offers_pnc and answer.PnC_ASResAuthorizationMode is None:
        found.append("PnC is offered without a PnC_ASResAuthorizationMode")
    if not offers_pnc and answer.EIM_ASResAuthorizationMode is None:
        found.append("EIM alone is offered without an EIM_ASResAuthorizationMode")
    return found


def service_discovery(request: cm.ServiceDiscoveryReq, answer: cm.ServiceDiscoveryRes, _: CarMemory) -> list[str]:
    """No service twice; energy services and value-added services in their own lists; the car's filter is kept for VAS."""
    found = []
    energy = [service.ServiceID for service in answer.EnergyTransferServiceList.Service]
    vas = [] if answer.VASList is None else [service.ServiceID for service in answer.VASList.Service]
    if len({*energy, *vas}) != len(energy) + len(vas):
        found.append(f"a service is listed twice: {energy + vas}")
    if strange := [service for service in energy if service in VAS]:
        found.append(f"value-added services {strange} among the energy services")
    if request.SupportedServiceIDs is not None:
        unwanted = [service for service in vas if service not in request.SupportedServiceIDs.ServiceID]
        if unwanted:
            found.append(f"VASList holds {unwanted}, which SupportedServiceIDs does not name")
    return found


def service_detail(request: cm.ServiceDetailReq, answer: cm.ServiceDetailRes, _: CarMemory) -> list[str]:
    """Of an energy service: the parameters of its kind, with known values, and both control modes."""
    found = []
    if answer.ServiceID != request.ServiceID:
        found.append(f"details of service {answer.ServiceID}: {request.ServiceID} was asked for")
    sets = answer.ServiceParameterList.ParameterSet
    if len({item.ParameterSetID for item in sets}) != len(sets):
        found.append("a ParameterSetID is there twice")
    if answer.ServiceID in VAS:
        return found
    modes = set()
    for item in sets:
        values = {parameter.Name: value_of(parameter) for parameter in item.Parameter}
        modes.add(values.get("ControlMode"))
        found += _energy_set(answer.ServiceID, item.ParameterSetID, values)
    if not {1, 2} <= modes:
        found.append(
            f"service {answer.ServiceID} offers control modes {sorted(map(str, modes))}: both 1 and 2 (V2G20-2656)"
        )
    return found


def _energy_set(service: int, number: int, values: dict[str, Any]) -> list[str]:
    wanted = [*_EVERY_SET, *(_BPT_SET if service in BPT_SERVICES else ())]
    wanted += ["EVSENominalVoltage"] if service in AC_SERVICES else []
    where = f"service {service}, set {number}"
    found = [f"{where}: {name} is missing" for name in wanted if name not in values]
    for name, known in _VALUES.items():
        if name in values and values[name] not in known:
            found.append(f"{where}: {name} = {values[name]}: one of {known}")
    islanding = [name for name in _ISLANDING if name in values]
    if service == AC_BPT and not islanding:
        found.append(f"{where}: the islanding detection is missing")
    if service != AC_BPT and islanding:
        found.append(f"{where}: {islanding[0]} belongs to AC_BPT alone")
    if values.get("MobilityNeedsMode") == 2 and values.get("ControlMode") != 2:
        found.append(f"{where}: MobilityNeedsMode 2 goes with Dynamic only (V2G20-2663)")
    return found
