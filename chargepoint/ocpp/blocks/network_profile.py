"""B09, B10 Network profiles, A05 Upgrade of the security profile: to which central system the station connects, and how secured."""

from __future__ import annotations

from urllib.parse import urlsplit

from chargepoint.config.schema import CsmsSection
from chargepoint.ocpp.blocks.block import FunctionalBlock, SettingRefused, StationNow
from chargepoint.ocpp.blocks.credentials import CredentialsBlock
from chargepoint.ocpp.blocks.effects import (
    CallAnswer,
    ConnectionFailed,
    Effect,
    Effects,
    NetworkProfileChanged,
    SecurityEventOccurred,
    Share,
    SharedEvent,
    WriteJournal,
    status,
)
from chargepoint.ocpp.certificate_stock import CSMS_ROOTS, STATION_CHAIN, CertificateStock
from chargepoint.ocpp.device_model import DeviceModel, Variable
from chargepoint.ocpp.kept import Kept
from chargepoint.ocpp.kept_files import KeptFiles
from chargepoint.ocpp.network_plan import NetworkPlan
from chargepoint.ocpp.root_succession import TrustedRoots
from chargepoint.ocpp.schemas import Payload
from chargepoint.ocpp.target import Target
from chargepoint.ocpp.variables.communication import NETWORK_SLOTS

SPACE = "network"
CONFIGURED_SLOT = 1
"""The slot of the configuration file's connection, until the central system sets another connection there."""

PRIORITY = "OCPPCommCtrlr/NetworkConfigurationPriority"
ATTEMPTS = "OCPPCommCtrlr/NetworkProfileConnectionAttempts"
TIMEOUT_MAX_S = 300

_MARK, _SECURITY_PROFILE, _LAST_GOOD = "mark", "security_profile", "last_good"
_VERSIONS = {"OCPP20": "ocpp2.0.1", "OCPP201": "ocpp2.0.1", "OCPP21": "ocpp2.1"}
_REMOVED: Payload = {}


class NetworkProfilesBlock(FunctionalBlock):
    """What the central system sets survives a restart, and counts from the next one on.

    Where `[csms]` of the configuration file changes, the file wins: it replaces everything that was set here.
    """

    def __init__(
        self,
        csms: CsmsSection,
        mark: str,
        model: DeviceModel,
        kept: Kept,
        files: KeptFiles,
        credentials: CredentialsBlock,
    ) -> None:
        super().__init__()
        self._csms = csms
        self._mark = mark
        self._model = model
        self._space = kept.space(SPACE)
        self._stock = CertificateStock(files)
        self._credentials = credentials
        self._roots = TrustedRoots(files, checked=csms.additional_root_check)
        self._plan: NetworkPlan | None = None
        self.calls = {"SetNetworkProfile": self._set}
        self.judges = {PRIORITY: self._judge_priority}

    # -- for the link --------------------------------------------------------------------------------------------------

    def target(self, utc_s: float) -> Target:
        """Where the next attempt goes, and what is shown there."""
        slot = self._present.slot
        profile = self._profile(slot) or self._configured
        roots, configured_roots = self._roots.for_attempt()
        return Target(
            slot,
            profile["ocppCsmsUrl"],
            profile["securityProfile"],
            float(profile["messageTimeout"]),
            self._credentials.password_name(),
            self._credentials.chain_name(utc_s),
            roots,
            configured_roots,
        )

    def installed_roots(self) -> tuple[str, ...]:
        """The central system's roots (PEM) that came over OCPP."""
        return self._roots.installed()

    @property
    def slot(self) -> int:
        """The slot of the connection, or of the next attempt."""
        return self._present.slot

    @property
    def security_profile(self) -> int:
        """What the central system may not go below (B09.FR.04)."""
        return int(self._space.get(_SECURITY_PROFILE, self._csms.security_profile))

    # -- the block -----------------------------------------------------------------------------------------------------

    def started(self, now: StationNow) -> Effects:
        """A changed configuration file replaces what the central system has set."""
        kept = self._space.get(_MARK)
        if kept == self._mark:
            return ()
        self._plan = None
        keep_mark = self._space.keep(_MARK, self._mark)
        if kept is None:
            return (keep_mark,)
        return (
            *self._space.forget_all(),
            self._model.forget(PRIORITY),
            *self._credentials.forget_password(),
            keep_mark,
            WriteJournal("*", "OCPP: [csms] was changed; it replaces connections and password of the central system"),
        )

    def connected(self, now: StationNow, offline_s: float) -> Effects:
        """The slot is good. Where it is more secure than before, less secure ones are gone for ever (A05.FR.06)."""
        slot = self._present.slot
        self._present.connected()
        profile = self._profile(slot) or self._configured
        effects: list[Effect] = [*self._credentials.worked(profile["securityProfile"])]
        effects += self._roots.worked(profile["securityProfile"])
        if self._space.get(_LAST_GOOD) != slot:
            effects += (self._space.keep(_LAST_GOOD, slot), Share(NetworkProfileChanged(slot)))  # B10.FR.10
        if profile["securityProfile"] > self.security_profile:
            effects += self._upgrade(profile["securityProfile"])
        return tuple(effects)

    def informed(self, event: SharedEvent, now: StationNow) -> Effects:
        """An attempt failed: perhaps it is another slot's turn."""
        if not isinstance(event, ConnectionFailed):
            return ()
        before, migrated = self._present.slot, self._present.migrates
        if self._present.failed(self._model.integer(ATTEMPTS)):
            self._credentials.list_failed()
        after = self._present.slot
        untrusted = event.kind == "InvalidCsmsCertificate"
        self._roots.failed(untrusted=untrusted, migrated=migrated, migrates=self._present.migrates)
        return () if after == before else (WriteJournal("*", f"OCPP: connecting by network profile {after} now"),)

    def value_of(self, row: Variable, now: StationNow) -> str | None:
        """ActiveNetworkProfile, SecurityProfile."""
        match row.key:
            case "OCPPCommCtrlr/ActiveNetworkProfile":
                return str(self._present.slot)
            case "SecurityCtrlr/SecurityProfile":
                return str(self.security_profile)
            case _:
                return None

    # -- the central system --------------------------------------------------------------------------------------------

    def _set(self, request: Payload, now: StationNow) -> CallAnswer:
        """B09. The present connection goes on, and its slot is not changed under it."""
        slot, data = request["configurationSlot"], request["connectionData"]
        if str(slot) not in NETWORK_SLOTS:  # B09.FR.05
            return _rejected("ValueOutOfRange", f"configurationSlot {slot}: one of {', '.join(NETWORK_SLOTS)}")
        if slot == self._present.slot:
            return _rejected("InvalidValue", f"slot {slot} is the one in use; set another one and give it priority")
        problem = self._problem(data)
        if problem is not None:  # B09.FR.02
            return _rejected(*problem)
        profile = {key: data[key] for key in ("ocppCsmsUrl", "messageTimeout", "securityProfile")}
        return CallAnswer(
            status("Accepted"),
            (
                self._space.keep(f"slot {slot}", profile),
                WriteJournal("*", f"OCPP: the central system set network profile {slot}: {data['ocppCsmsUrl']}"),
                Share(SecurityEventOccurred("ReconfigurationOfSecurityParameters", f"network profile {slot}")),
            ),
            unstored="Failed",  # B09.FR.03
        )

    def _problem(self, data: Payload) -> tuple[str, str] | None:
        profile, url = data["securityProfile"], data["ocppCsmsUrl"]
        if data["ocppTransport"] != "JSON":
            return "UnsupportedParam", "ocppTransport: JSON only"
        version = data.get("ocppVersion")
        if version is not None and _VERSIONS.get(version) not in self._csms.versions:
            spoken = ", ".join(self._csms.versions)
            return "UnsupportedParam", f"ocppVersion {version}: this station speaks {spoken}"
        for key in ("apn", "vpn", "identity", "basicAuthPassword"):
            if key in data:
                return "UnsupportedParam", f"{key}: the station's own network, identity and password are used"
        if profile not in (1, 2, 3):
            return "InvalidValue", f"securityProfile {profile}: 1 to 3"
        if profile < self.security_profile:  # B09.FR.04
            return "InvalidValue", f"securityProfile {profile} is below the present one, {self.security_profile}"
        if not 1 <= data["messageTimeout"] <= TIMEOUT_MAX_S:
            return "ValueOutOfRange", f"messageTimeout {data['messageTimeout']} s: 1 to {TIMEOUT_MAX_S}"
        return _wrong_url(url, secure=profile > 1)

    def _judge_priority(self, value: str, now: StationNow) -> SettingRefused | None:
        """B10.FR.02, A05.FR.02, FR.03."""
        slots = [int(part) for part in value.split(",") if part.strip()]
        if not slots:
            return SettingRefused("InvalidValue", "no slot; name at least one")
        for slot in slots:
            profile = self._profile(slot)
            if profile is None:
                return SettingRefused("InvalidValue", f"slot {slot} is empty; set it by SetNetworkProfile")
            wanted = profile["securityProfile"]
            if wanted < self.security_profile:
                return SettingRefused(
                    "InvalidValue", f"slot {slot} has security profile {wanted}, below the present one"
                )
            if wanted > 1 and not self._stock.has_valid_root(CSMS_ROOTS, now.utc_s) and self._raises(wanted):
                return SettingRefused("InvalidValue", f"slot {slot}: no valid CSMSRootCertificate is installed")
            if wanted == 3 and not self._stock.valid_chains(STATION_CHAIN, now.utc_s) and self._raises(wanted):
                return SettingRefused("InvalidValue", f"slot {slot}: no valid ChargingStationCertificate is installed")
        return None

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def _present(self) -> NetworkPlan:
        """Made at first use: the priority of the start counts until the next start (B10.FR.04)."""
        if self._plan is None:
            slots = [int(part) for part in self._model.members(PRIORITY)]
            priority = [slot for slot in slots if self._profile(slot) is not None] or [CONFIGURED_SLOT]
            last_good = self._space.get(_LAST_GOOD)
            known = last_good is not None and self._profile(last_good) is not None
            self._plan = NetworkPlan(priority, last_good if known else None)
        return self._plan

    @property
    def _configured(self) -> Payload:
        return {
            "ocppCsmsUrl": self._csms.url,
            "messageTimeout": self._csms.call_timeout_s,
            "securityProfile": self._csms.security_profile,
        }

    def _profile(self, slot: int) -> Payload | None:
        profile = self._space.get(f"slot {slot}")
        if profile is None:
            return self._configured if slot == CONFIGURED_SLOT else None
        return profile or None

    def _raises(self, wanted: int) -> bool:
        return wanted > self.security_profile

    def _upgrade(self, security_profile: int) -> list[Effect]:
        left: list[int] = []
        effects: list[Effect] = [self._space.keep(_SECURITY_PROFILE, security_profile)]
        for number in map(int, NETWORK_SLOTS):
            profile = self._profile(number)
            if profile is not None and profile["securityProfile"] < security_profile:
                effects.append(self._space.keep(f"slot {number}", _REMOVED))
            elif profile is not None:
                left.append(number)
        listed = [int(part) for part in self._model.members(PRIORITY)]
        priority = [number for number in listed if number in left] or [self._present.slot]
        self._plan = NetworkPlan(priority, self._present.slot)
        self._plan.connected()
        return [
            *effects,
            self._model.keep(PRIORITY, ",".join(map(str, priority))),
            WriteJournal("*", f"OCPP: security profile {security_profile} from now on, and never below it"),
            Share(SecurityEventOccurred("ReconfigurationOfSecurityParameters", f"SecurityProfile {security_profile}")),
        ]


def _wrong_url(url: str, *, secure: bool) -> tuple[str, str] | None:
    wanted = "wss" if secure else "ws"
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises where the port is none
    except ValueError as error:
        return "InvalidURL", f"ocppCsmsUrl: {error}"
    if parts.scheme != wanted:
        return "InvalidURL", f"ocppCsmsUrl: the security profile needs {wanted}://"
    if not parts.hostname or parts.username or parts.query or parts.fragment or not url.isascii() or " " in url:
        return "InvalidURL", f"ocppCsmsUrl: write {wanted}://HOST:PORT/PATH, without user, query or fragment"
    return None


def _rejected(reason_code: str, text: str) -> CallAnswer:
    return CallAnswer(status("Rejected", reason_code, text))
