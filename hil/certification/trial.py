"""One case under way: the central system, the station's surroundings, and the idioms in which a case is written.

    answer = await trial.calls(1, "Reset", {"type": "OnIdle"}, answered={"status": "Accepted"})
    boot = await trial.expects(3, "BootNotification", has={"reason": "RemoteReset"})

The first argument is the step in Part 6. Each pattern is both the expectation and the check (`hil.certification.patterns`).
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from hil.certification.central_system import FAULT_NOTE, CentralSystem, NotConnected
from hil.certification.firmware_server import FirmwareServer
from hil.certification.frames import CallErrorAnswer, StationCall, wire_time
from hil.certification.keys import Keys
from hil.certification.patterns import MISSING, Expected, Pattern, Payload, compare, value_at
from hil.certification.pics import ConfiguredValues, Pics
from hil.certification.session import ChargingSession
from hil.certification.station_under_test import StationUnderTest, TrackedStation
from hil.certification.validation import Step, Validations


class Trial:
    """What the function of a case gets."""

    def __init__(
        self,
        central_system: CentralSystem,
        station: StationUnderTest,
        pics: Pics,
        keys: Keys,
        firmware_server: FirmwareServer,
    ) -> None:
        self.csms = central_system
        self.keys = keys
        self.firmware_server = firmware_server
        self.station = TrackedStation(station)
        self.pics = pics
        self.checks = Validations()
        self._sessions: dict[int, ChargingSession] = {}
        self._evse_id = pics.configured.evse_id
        self.ordered: list[tuple[str, Payload]] = []
        """Every CALL that was sent, for the restoration afterwards."""
        self.values_before: dict[tuple[str, str, int | None], str] = {}
        """What each variable had before this trial set it."""
        self.needs_fresh_start = False
        """The case leaves the station in a state that only a new beginning undoes."""
        self._request_ids = itertools.count(1001)

    @property
    def configured(self) -> ConfiguredValues:
        """What Part 6 calls configured values."""
        return self.pics.configured

    def tls_context(self) -> ssl.SSLContext:
        """The TLS of the address the station was started with."""
        context = self.csms.entrances[0].tls
        assert context is not None, "a case of security profile 1 has no TLS"
        return context

    @property
    def session(self) -> ChargingSession:
        """What was done so far at the EVSE the case is at: the reusable states keep it."""
        return self._sessions.setdefault(self._evse_id, ChargingSession(self._evse_id))

    def at_evse(self, evse_id: int) -> None:
        """The steps from here on happen at this EVSE, with a session of its own."""
        self._evse_id = evse_id

    def request_id(self) -> int:
        """A fresh requestId."""
        return next(self._request_ids)

    @staticmethod
    def time_from_now(seconds: float) -> str:
        """A time of the wire."""
        return wire_time(datetime.now(UTC) + timedelta(seconds=seconds))

    # -- to the station ------------------------------------------------------------------------------------------------

    async def calls(
        self, step: Step, action: str, payload: Payload, answered: Pattern | None = None, *, evidence: bool = True
    ) -> Payload:
        """Send a CALL and check its answer. Raises ValidationFailed for CALLERROR or no answer.

        With `evidence` false the answer is a preparation: it must come, and does not count as a check.
        """
        answer = await self._ask(step, action, payload)
        if isinstance(answer, CallErrorAnswer):
            self.checks.fail(step, f"answer to {action}", f"CALLERROR {answer.code}: {answer.text}", "a response")
        if evidence:
            self.checks.passed(step, f"answer to {action}", "a response", "a response")
        self.checks.message(step, f"{action}Response", answer, answered or {}, decides=True)
        return answer

    async def is_refused(self, step: Step, action: str, payload: Payload, *codes: str) -> None:
        """Send a CALL that must be answered with CALLERROR and one of these codes."""
        answer = await self._ask(step, action, payload)
        found = answer.code if isinstance(answer, CallErrorAnswer) else answer
        words = f"CALLERROR {' or '.join(codes)}"
        self.checks.value(step, f"answer to {action}", found, Expected(words, lambda code: code in codes))

    async def _ask(self, step: Step, action: str, payload: Payload) -> Payload | CallErrorAnswer:
        self.ordered.append((action, payload))
        try:
            answer = await self.csms.call(action, payload, self.configured.answer_within_s)
        except NotConnected as error:
            self.checks.fail(step, f"answer to {action}", str(error), "a response")
        if answer is None:
            within = f"a response within {self.configured.answer_within_s:g} s"
            self.checks.fail(step, f"answer to {action}", "no answer", within)
        return answer

    # -- from the station ------------------------------------------------------------------------------------------------

    async def expects(
        self,
        step: Step,
        action: str,
        has: Pattern | None = None,
        *,
        where: Pattern | None = None,
        within_s: float | None = None,
    ) -> StationCall:
        """Wait for a message. `where` chooses it among others of its action, `has` is checked. Raises ValidationFailed where it does not come."""
        within_s = self.configured.answer_within_s if within_s is None else within_s
        call = await self.csms.take(action, where or {}, within_s)
        if call is None:
            self._did_not_come(step, action, where or {}, within_s)
        self.checks.passed(step, action, "came", "comes")
        self.checks.message(step, action, call.payload, has or {})
        return call

    async def may_come(
        self, step: Step, action: str, has: Pattern, where: Pattern, within_s: float
    ) -> StationCall | None:
        """A message of an optional step: checked where it comes, None where it does not."""
        call = await self.csms.take(action, where, within_s)
        if call is not None:
            self.checks.message(step, action, call.payload, has)
        return call

    async def nothing_comes(
        self, step: Step, action: str, where: Pattern | None = None, for_s: float | None = None
    ) -> None:
        """No message of this action that matches may come for so long. Raises ValidationFailed."""
        for_s = self.configured.quiet_s if for_s is None else for_s
        call = await self.csms.take(action, where or {}, for_s)
        if call is not None:
            self.checks.fail(step, action, call.payload, f"no such message for {for_s:g} s")
        self.checks.passed(step, action, "did not come", f"no such message for {for_s:g} s")

    async def connected(self, step: Step, within_s: float | None = None) -> None:
        """The station connects (again)."""
        within_s = self.configured.reboot_within_s if within_s is None else within_s
        came = await self.csms.until(lambda: self.csms.connected, within_s)
        self.checks.true(step, f"the station connects within {within_s:g} s", came)

    async def disconnected(self, step: Step, within_s: float | None = None) -> None:
        """The station closes its connection."""
        within_s = self.configured.reboot_within_s if within_s is None else within_s
        went = await self.csms.until(lambda: not self.csms.connected, within_s)
        self.checks.true(step, f"the station closes its connection within {within_s:g} s", went)

    async def makes_fault(self, evse_id: int) -> None:
        """Make a fault at this EVSE; the restoration removes it."""
        self.csms.note(FAULT_NOTE)
        await self.station.fault(evse_id, True)

    async def loses_connection(self) -> float:
        """The central system drops the connection; the monotonic time of it."""
        await self.csms.drop()
        return time.monotonic()

    async def wait(self, seconds: float) -> None:
        """Let time pass where a case says so."""
        await asyncio.sleep(seconds)

    def _did_not_come(self, step: Step, action: str, where: Pattern, within_s: float) -> NoReturn:
        """Fail with the message of this action that was nearest to the expected one."""
        candidates = self.csms.untaken(action)
        rules = {path: rule.words if isinstance(rule, Expected) else repr(rule) for path, rule in where.items()}
        expected = f"one within {within_s:g} s" + (f" with {_listed(rules)}" if rules else "")
        seen = "none came"
        if candidates:
            nearest = max(candidates, key=lambda call: sum(f.passed for f in compare(call.payload, where)))
            seen = "one came with " + _listed({path: repr(value_at(nearest.payload, path)) for path in where})
        self.checks.fail(step, action, seen, expected)

    # -- the session -----------------------------------------------------------------------------------------------------

    def begin_session(self) -> None:
        """Forget the session so far: a case has a second one."""
        del self._sessions[self._evse_id]

    def first_transaction_event(self) -> Payload:
        """The first TransactionEvent of the session's transaction by seqNo. Raises ValidationFailed where none came."""
        events = [
            call.payload
            for call in self.csms.calls
            if call.action == "TransactionEvent"
            and value_at(call.payload, "transactionInfo.transactionId") == self.session.transaction_id
        ]
        if not events:
            self.checks.fail("after", "TransactionEvent", "none came", "the first one of the transaction")
        return min(events, key=lambda event: event["seqNo"])

    # -- the device model ------------------------------------------------------------------------------------------------

    async def sets(self, component: str, variable: str, value: str, evse_id: int | None = None) -> None:
        """Configure a variable for this case. The restoration gives the former value back. Raises ValidationFailed where it is refused."""
        status = await self._set(component, variable, value, evse_id)
        if status != "Accepted":
            self.checks.fail("before", f"SetVariables {component}.{variable} = {value}", status, "'Accepted'")

    async def sets_where_there(self, component: str, variable: str, value: str) -> bool:
        """Like `sets` for a variable that a station may lack, or have read-only with another value; False where it keeps that."""
        return await self._set(component, variable, value, None) == "Accepted"

    async def _set(self, component: str, variable: str, value: str, evse_id: int | None) -> str:
        """The attributeStatus; Accepted where the variable has this value already."""
        data, key = _variable(component, variable, evse_id), (component, variable, evse_id)
        before = await self.gets(component, variable, evse_id)
        if before == value:
            return "Accepted"
        answer = await self.calls(
            "before", "SetVariables", {"setVariableData": [{**data, "attributeValue": value}]}, evidence=False
        )
        status = value_at(answer, "setVariableResult[0].attributeStatus")
        if status == "Accepted" and before is not None:
            self.values_before.setdefault(key, before)
        return str(status)

    async def remember(self, component: str, variable: str) -> None:
        """Read a variable that the case is about to set itself, so that the restoration can set it back."""
        before = await self.gets(component, variable)
        if before is not None:
            self.values_before.setdefault((component, variable, None), before)

    async def gets(self, component: str, variable: str, evse_id: int | None = None) -> str | None:
        """The value of a variable, whose instance stands behind a colon (`MessageTimeout:Default`); None where there is none."""
        data = _variable(component, variable, evse_id)
        answer = await self.calls("before", "GetVariables", {"getVariableData": [data]}, evidence=False)
        value = value_at(answer, "getVariableResult[0].attributeValue")
        return None if value is MISSING else str(value)

    async def has(self, component: str, variable: str) -> bool:
        """Whether the device model has this variable."""
        data = _variable(component, variable, None)
        answer = await self.calls("before", "GetVariables", {"getVariableData": [data]}, evidence=False)
        status = value_at(answer, "getVariableResult[0].attributeStatus")
        return status not in ("UnknownComponent", "UnknownVariable", "NotSupportedAttributeType")


def _variable(component: str, variable: str, evse_id: int | None) -> Payload:
    name, _, instance = variable.partition(":")
    data: Payload = {"component": {"name": component}, "variable": {"name": name}}
    if instance:
        data["variable"]["instance"] = instance
    if evse_id is not None:
        data["component"]["evse"] = {"id": evse_id}
    return data


def _listed(rules: dict[str, str]) -> str:
    return ", ".join(f"{path} {words}" for path, words in rules.items())
