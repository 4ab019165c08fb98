"""Which protocols are spoken: by outlet and configuration, and with one car by what its connection allows."""

from __future__ import annotations

from chargepoint.iso15118.conversation.protocol import CarProtocol
from chargepoint.iso15118.conversation.settings import ProtocolName, SeccSettings
from chargepoint.iso15118.conversation.situation import Peer
from chargepoint.iso15118.din import protocol as din
from chargepoint.iso15118.iso2 import protocol as iso2
from chargepoint.iso15118.iso20 import protocol as iso20

TLS_OF_ISO20 = "TLSv1.3"


def served(settings: SeccSettings) -> tuple[CarProtocol, ...]:
    """All that this outlet and its configuration serve."""
    found: list[CarProtocol] = []
    if ProtocolName.ISO20 in settings.protocols:
        found += iso20.served(settings)
    if ProtocolName.ISO2 in settings.protocols:
        found += iso2.served(settings)
    if ProtocolName.DIN in settings.protocols:
        found += din.served(settings)
    return tuple(found)


def spoken(settings: SeccSettings, peer: Peer) -> tuple[CarProtocol, ...]:
    """What is spoken on a connection with this peer. -20 never without TLS 1.3 and the car's certificate (V2G20-2356)."""
    may_speak_iso20 = settings.iso20_without_tls or (peer.tls == TLS_OF_ISO20 and peer.leaf is not None)
    return tuple(p for p in served(settings) if may_speak_iso20 or not isinstance(p, iso20.Iso20))


def unspoken(settings: SeccSettings, peer: Peer) -> str:
    """Why less is spoken with this peer than the outlet serves: one sentence for the log; empty where all is spoken."""
    if len(spoken(settings, peer)) == len(served(settings)):
        return ""
    return f"ISO 15118-20 needs TLS 1.3 and the car's certificate; this connection has {peer.tls or 'no TLS'}"
