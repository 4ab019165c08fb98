"""The modem beside this computer: its key, its network, its link. Pure, time as a number.

A key counts as taken only when the modem says so. A Qualcomm modem is also asked which network it is in: some of its firmware
answers «failed» (1) for a key that it takes, or «taken» (0) for a key that it does not use. Source: docs/sources/iso15118.md 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from chargepoint.slac import timers
from chargepoint.slac.frames import CmSetKeyCnf, CmSetKeyReq, SlacMessage
from chargepoint.slac.network_key import NetworkKey
from chargepoint.slac.vendor_frames import (
    LumissilLinkCnf,
    LumissilLinkReq,
    LumissilVersionCnf,
    LumissilVersionReq,
    QualcommLinkCnf,
    QualcommLinkReq,
    QualcommNetworkCnf,
    QualcommNetworkReq,
    QualcommVersionCnf,
    QualcommVersionReq,
)

RESULT_TAKEN, RESULT_UNCLEAR = 0, 1
"""Results of CM_SET_KEY.CNF. 1 is «failed» in the standard."""


class Vendor(Enum):
    """Whose messages the modem answers."""

    QUALCOMM = "Qualcomm"
    LUMISSIL = "Lumissil"


class _Key(Enum):
    """How far the present key is."""

    NONE = auto()
    ASKED = auto()
    CHECKED = auto()  # answered; the modem is asked for its network
    PAUSED = auto()  # failed; tried again later
    TAKEN = auto()


@dataclass(frozen=True, slots=True)
class ModemRemark:
    """A sentence about the modem. `problem`: a person should read it."""

    text: str
    problem: bool


ModemOutput = SlacMessage | ModemRemark
"""Messages go to the modem's local address."""


class Modem:
    """One modem. `begin` gives it a key; `keyed` is True once it has taken that key."""

    def __init__(self) -> None:
        self.vendor: Vendor | None = None
        self.firmware = ""
        self.link: bool | None = None
        """Whether a car is in the network, as last answered; None: not answered since the key was set."""
        self.answers_link = False
        """The modem answered at least one question about its link."""
        self.trouble = ""
        """Why the modem has no key although that was tried; empty while nothing is wrong."""
        self._out: list[ModemOutput] = []
        self._key: NetworkKey | None = None
        self._step = _Key.NONE
        self._attempts = 0
        self._result: int | None = None
        self._nid_heard: bytes | None = None
        self._check_until_s = 0.0
        self._due_s: float | None = None
        self._poll_every_s: float | None = None
        self._poll_due_s = 0.0

    # -- for readers ---------------------------------------------------------------------------------------------------

    @property
    def keyed(self) -> bool:
        """The modem has taken the present key."""
        return self._step is _Key.TAKEN

    @property
    def name(self) -> str | None:
        """Vendor and firmware; None while unknown."""
        return None if self.vendor is None else f"{self.vendor.value} {self.firmware}".strip()

    @property
    def due_s(self) -> float | None:
        """When `keep_time` has something to do; None: never."""
        dues = [self._due_s, None if self._poll_every_s is None else self._poll_due_s]
        return min((due for due in dues if due is not None), default=None)

    # -- orders --------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """The interface is gone: the modem has no key, and another one may come."""
        self._step, self._due_s, self._key, self.link = _Key.NONE, None, None, None
        self.vendor, self.firmware, self.trouble = None, "", ""
        self.answers_link = False
        self.watch_link(None, 0.0)

    def begin(self, key: NetworkKey, now_s: float) -> list[ModemOutput]:
        """Give the modem this key, and try until it takes it. A modem not known yet is asked who it is, in both vendors' words."""
        self._key, self.link = key, None
        self._attempts, self.trouble = 0, ""
        self.watch_link(None, now_s)
        if not self.firmware:
            self._out += [QualcommVersionReq(), LumissilVersionReq()]
        self._ask_key(now_s)
        return self._taken()

    def watch_link(self, every_s: float | None, now_s: float) -> None:
        """Ask for the link this often from now on; None: not at all."""
        self._poll_every_s, self._poll_due_s = every_s, now_s

    # -- events --------------------------------------------------------------------------------------------------------

    def take(self, message: SlacMessage, now_s: float) -> list[ModemOutput]:
        """A message of the modem; any other message changes nothing."""
        match message:
            case CmSetKeyCnf(result):
                self._take_answer(result, now_s)
            case QualcommNetworkCnf(nid):
                self._meet(Vendor.QUALCOMM)
                self._take_network(nid, now_s)
            case QualcommVersionCnf(text):
                self._meet(Vendor.QUALCOMM, text)
            case LumissilVersionCnf(text):
                self._meet(Vendor.LUMISSIL, text)
            case QualcommLinkCnf(link):
                self._meet(Vendor.QUALCOMM)
                self.link, self.answers_link = link, True
            case LumissilLinkCnf(link):
                self._meet(Vendor.LUMISSIL)
                self.link, self.answers_link = link, True
            case _:
                pass
        return self._taken()

    def keep_time(self, now_s: float) -> list[ModemOutput]:
        """What is due by now."""
        if self._due_s is not None and now_s >= self._due_s:
            self._due_s = None
            self._on_time(now_s)
        if self._poll_every_s is not None and now_s >= self._poll_due_s:
            self._poll_due_s = now_s + self._poll_every_s
            if self.vendor is not Vendor.LUMISSIL:
                self._out.append(QualcommLinkReq())
            if self.vendor is not Vendor.QUALCOMM:
                self._out.append(LumissilLinkReq())
        return self._taken()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _meet(self, vendor: Vendor, firmware: str = "") -> None:
        if self.vendor is None or firmware:
            if self.vendor is not vendor or firmware != self.firmware:
                self._out.append(ModemRemark(f"modem: {vendor.value} {firmware}".strip(), problem=False))
            self.vendor, self.firmware = vendor, firmware or self.firmware

    def _ask_key(self, now_s: float) -> None:
        assert self._key is not None
        self._step, self._due_s = _Key.ASKED, now_s + timers.KEY_ANSWER_S
        self._attempts += 1
        self._result = self._nid_heard = None
        self._out.append(CmSetKeyReq(self._key.nid, self._key.nmk))

    def _take_answer(self, result: int, now_s: float) -> None:
        if self._step is not _Key.ASKED:
            return
        self._result = result
        if result not in (RESULT_TAKEN, RESULT_UNCLEAR):
            self._due_s = now_s + timers.KEY_ANSWER_S  # steady attempts, also where it refuses at once
        elif result == RESULT_TAKEN and self.vendor is Vendor.LUMISSIL:
            self._accept()
        else:
            self._step, self._check_until_s = _Key.CHECKED, now_s + timers.KEY_CHECK_S
            self._ask_network(now_s)

    def _ask_network(self, now_s: float) -> None:
        self._due_s = now_s + timers.KEY_CHECK_EVERY_S
        self._out.append(QualcommNetworkReq())

    def _take_network(self, nid: bytes | None, now_s: float) -> None:
        if self._step is not _Key.CHECKED or self._key is None:
            return
        self._nid_heard = nid
        if nid == self._key.nid:
            self._accept()

    def _on_time(self, now_s: float) -> None:
        match self._step:
            case _Key.CHECKED if now_s < self._check_until_s:
                self._ask_network(now_s)
            case _Key.CHECKED if self._nid_heard is None:
                if self._result == RESULT_UNCLEAR:
                    text = (
                        "the modem answered its key with result 1 and did not name its network: taken as a yes, as Qualcomm "
                        "firmware means it. If no car joins, set the modem up as EVSE (docs/slac.md)"
                    )
                    self._out.append(ModemRemark(text, problem=True))
                self._accept()
            case _Key.ASKED | _Key.CHECKED:
                self._fail(now_s)
            case _Key.PAUSED:
                self._ask_key(now_s)
            case _:
                pass

    def _fail(self, now_s: float) -> None:
        if self._attempts < timers.KEY_ATTEMPTS:
            self._ask_key(now_s)
            return
        if not self.trouble:
            self._out.append(ModemRemark(f"{self._why()}; tried again every {timers.KEY_RETRY_S:.0f} s", problem=True))
        self.trouble = self._why()
        self._step, self._due_s = _Key.PAUSED, now_s + timers.KEY_RETRY_S

    def _accept(self) -> None:
        self._step, self._due_s = _Key.TAKEN, None
        if self.trouble:
            self.trouble = ""
            self._out.append(ModemRemark("the modem has taken its key now", problem=False))

    def _why(self) -> str:
        if self._result is None:
            return (
                "the modem does not answer its key: check its power and its cable, and that [evse.N] interface or "
                "slac_interface names the modem's interface"
            )
        if self._nid_heard is not None:
            return (
                f"the modem did not use its key: its network is {self._nid_heard.hex()}. Set it up as EVSE "
                "(central coordinator) with the vendor's tool"
            )
        return (
            f"the modem refuses its key with result {self._result}: set it up as EVSE (central coordinator) with the "
            "vendor's tool, or switch it off and on"
        )

    def _taken(self) -> list[ModemOutput]:
        out = list(self._out)
        self._out.clear()
        return out
