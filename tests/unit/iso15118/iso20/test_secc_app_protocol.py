"""SupportedAppProtocol: rank, versions, and nothing in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chargepoint.iso15118.conversation.app_protocol import negotiate
from chargepoint.iso15118.iso20.protocol import DC
from chargepoint.iso15118.messages.app_protocol import AppProtocol, ResponseCode, supportedAppProtocolReq
from chargepoint.model.car import CarConnected, SessionEnd

if TYPE_CHECKING:
    from tests.unit.iso15118.iso20.conftest import ScriptedCar


DC_20 = "urn:iso:std:iso:15118:-20:DC"
AC_20 = "urn:iso:std:iso:15118:-20:AC"
ISO_2 = "urn:iso:15118:2:2013:MsgDef"


def offer(*protocols: tuple[str, int, int, int, int]) -> supportedAppProtocolReq:
    return supportedAppProtocolReq(
        AppProtocol=tuple(
            AppProtocol(
                ProtocolNamespace=namespace,
                VersionNumberMajor=major,
                VersionNumberMinor=minor,
                SchemaID=schema,
                Priority=priority,
            )
            for namespace, major, minor, schema, priority in protocols
        )
    )


def test_the_cars_rank_decides_among_what_we_speak() -> None:
    spoken = (replace(DC, name="two", namespace=ISO_2, version=(2, 0)), replace(DC, name="twenty"))
    response, protocol = negotiate(offer((ISO_2, 2, 0, 3, 5), (AC_20, 1, 0, 4, 1), (DC_20, 1, 0, 9, 2)), spoken)
    assert (response.ResponseCode, response.SchemaID) == (ResponseCode.OK_SuccessfulNegotiation, 9)
    assert protocol is not None
    assert protocol.name == "twenty"


def test_another_minor_version_is_a_deviation() -> None:
    response, protocol = negotiate(offer((DC_20, 1, 3, 2, 1)), (DC,))
    assert response.ResponseCode is ResponseCode.OK_SuccessfulNegotiationWithMinorDeviation
    assert response.SchemaID == 2
    assert protocol is not None


@pytest.mark.parametrize("offered", [(DC_20, 2, 0, 1, 1), (AC_20, 1, 0, 1, 1), (ISO_2, 2, 0, 1, 1), ("", 1, 0, 1, 1)])
def test_nothing_in_common_is_said_and_the_connection_ends(
    new_car: Callable[..., ScriptedCar], offered: tuple[str, int, int, int, int]
) -> None:
    car = new_car()
    answer = car.ask(offer(offered))
    assert (answer.ResponseCode, answer.SchemaID) == (ResponseCode.Failed_NoNegotiation, None)
    (end,) = car.events
    assert end.end is SessionEnd.PROTOCOL_ERROR
    assert offered[0] in end.detail


def test_a_protocol_agreed_is_told_once(new_car: Callable[..., ScriptedCar]) -> None:
    car = new_car()
    assert car.agree().ResponseCode is ResponseCode.OK_SuccessfulNegotiation
    assert [type(e) for e in car.events] == [CarConnected]
