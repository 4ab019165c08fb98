"""A DC car of ISO 15118-2 asks for a new schedule in the middle of its charge: the real power process checks the cable again."""

from __future__ import annotations

import socket
import struct
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chargepoint.iso15118.exi.codec import NS_ISO2, NS_SAP, decode, encode
from chargepoint.iso15118.messages import iso15118_2 as iso2
from chargepoint.iso15118.messages.iso15118_2 import ChargeProgress, EVSEProcessing, ResponseCode
from chargepoint.iso15118.physical_value import number
from chargepoint.iso15118.v2gtp import FrameReceived, Framing, PayloadType, frame
from tests.system.conftest import PATIENCE_S, Demo
from tests.unit.iso15118.iso2.car import GOOD, Iso2Car

pytestmark = pytest.mark.system

BATTERY_V = 400.0
LOOPS_MAX = 2000


class WiredCar:
    """The requests of the scripted car, over TCP to a live station."""

    def __init__(self, sdp_port: int) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as discovery:
            discovery.settimeout(PATIENCE_S)
            discovery.sendto(frame(PayloadType.SDP_REQUEST, b"\x10\x00"), ("::1", sdp_port))
            answer = discovery.recv(100)
        (port,) = struct.unpack(">H", answer[24:26])
        self.words = Iso2Car()
        self._wire = socket.create_connection(("::1", port), PATIENCE_S)
        self._framing = Framing()
        self._session_id = b"\x00"
        self._wire.sendall(frame(PayloadType.EXI_SAP, encode(self.words.offer())))
        self._receive(NS_SAP)

    def _receive(self, namespace: str) -> Any:
        while True:
            for event in self._framing.receive(self._wire.recv(4096)):
                assert isinstance(event, FrameReceived)
                return decode(namespace, event.payload)

    def ask(self, body: Any) -> Any:
        header = iso2.MessageHeader(SessionID=self._session_id)
        message = iso2.V2G_Message(Header=header, Body=iso2.Body(BodyElement=body))
        self._wire.sendall(frame(PayloadType.EXI_SAP, encode(message)))
        answer = self._receive(NS_ISO2)
        self._session_id = answer.Header.SessionID
        found = answer.Body.BodyElement
        assert found.ResponseCode in GOOD, found
        return found

    def until_finished(self, body: Any) -> None:
        while self.ask(body).EVSEProcessing is not EVSEProcessing.Finished:
            pass

    def energise(self) -> None:
        """From ChargeParameterDiscovery into the loop."""
        self.until_finished(self.words.charge_parameters())
        self.until_finished(self.words.cable_check())
        while abs(number(self.ask(self.words.pre_charge(BATTERY_V)).EVSEPresentVoltage) - BATTERY_V) > 10.0:
            pass
        self.ask(self.words.power_delivery())

    def charge(self, least_A: float) -> None:
        """Loops until the current flows."""
        for _ in range(LOOPS_MAX):
            if number(self.ask(self.words.current_demand(20.0, 420.0)).EVSEPresentCurrent) >= least_A:
                return
        raise AssertionError(f"no current of {least_A:g} A after {LOOPS_MAX} loops")

    def close(self) -> None:
        self._wire.close()


def test_the_power_goes_and_comes_back_within_one_transaction(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "demo", "--no-car", "--interface", "lo")
    log = tmp_path / "demo" / "log" / "daemon.log"
    try:
        demo.until("the station waits for cars", lambda: "waiting for cars on lo" in log.read_text())
        settings = tomllib.loads((tmp_path / "demo" / "site.toml").read_text())
        car = WiredCar(settings["iso15118"]["sdp_port"])
        car.ask(car.words.request_of(iso2.SessionSetupReq))
        car.ask(iso2.ServiceDiscoveryReq())
        car.ask(car.words.payment_selection())
        car.until_finished(iso2.AuthorizationReq())
        car.energise()
        car.charge(15.0)
        car.ask(car.words.power_delivery(ChargeProgress.Renegotiate))
        car.energise()
        car.charge(15.0)
        car.ask(car.words.power_delivery(ChargeProgress.Stop))
        car.ask(iso2.WeldingDetectionReq(DC_EVStatus=car.words.ev_status()))
        assert car.ask(car.words.session_stop()).ResponseCode is ResponseCode.OK
        car.close()
        (transaction,) = demo.until("the transaction ended", lambda: ended(demo))
    finally:
        demo.close()
    assert transaction["gaps"] == []
    assert transaction["import_Wh"] > 0
    said = log.read_text()
    assert said.count("car asks CABLE_CHECK") == 2
    assert said.count("car asks TRANSFER") == 2


def ended(demo: Demo) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = demo.state()["central_system"]["transactions"]
    return found if found and found[-1]["ended"] else []
