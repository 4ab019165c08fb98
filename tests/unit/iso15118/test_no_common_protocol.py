"""The line of the log where car and outlet have no protocol in common."""

from __future__ import annotations

from chargepoint.iso15118.conversation.conversation import Conversation
from chargepoint.iso15118.conversation.now import Now
from chargepoint.iso15118.conversation.settings import SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.din.protocol import served
from chargepoint.iso15118.exi.codec import NS_DIN, encode
from chargepoint.iso15118.messages.app_protocol import AppProtocol, supportedAppProtocolReq
from chargepoint.iso15118.v2gtp import PayloadType, frame
from chargepoint.model.car import CarSessionEnded, ControlMode, EnergyService


def test_another_major_version_is_seen_in_the_line() -> None:
    settings, now = SeccSettings(1, "DE*OCP*E1", (EnergyService.DC,), (ControlMode.SCHEDULED,)), Now(1000.0, 1)
    conversation = Conversation(settings, served(settings), Peer("fe80::1"), bytes, now)
    offer = AppProtocol(ProtocolNamespace=NS_DIN, VersionNumberMajor=1, VersionNumberMinor=4, SchemaID=1, Priority=1)
    conversation.receive(frame(PayloadType.EXI_SAP, encode(supportedAppProtocolReq(AppProtocol=(offer,)))), now)
    (end,) = conversation.events()
    assert isinstance(end, CarSessionEnded)
    assert f"the car offers '{NS_DIN} 1.4', this outlet speaks {NS_DIN} 2.0" in end.detail
