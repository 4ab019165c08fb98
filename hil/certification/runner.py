"""The run: each selected case once, the station restored between cases, restarted only where it does not come back."""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hil.certification import general_rules
from hil.certification.catalogue import CatalogueRow
from hil.certification.central_system import FAULT_NOTE, CentralSystem, Entrance, NotConnected
from hil.certification.firmware_server import FirmwareServer
from hil.certification.keys import VALID_SERVER, Keys
from hil.certification.pics import Pics
from hil.certification.planted import PlantedFault
from hil.certification.registry import CaseFunction, written
from hil.certification.restoration import NotRestored, Restoration, ready
from hil.certification.results import CaseOutcome, CaseVerdict
from hil.certification.start_conditions import StartConditions
from hil.certification.station_under_test import BenchRefused, StationUnderTest
from hil.certification.trial import Trial
from hil.certification.validation import CaseNotDecided, Validation, ValidationFailed

CASE_LIMIT_S = 180.0
START_LIMIT_S = 60.0
NO_EVIDENCE = ("before", "general")
"""Steps whose checks do not decide a case: its preparation, and the rules of every case."""


class Runner:
    """Start with `async with`; the station and the central system are gone afterwards."""

    def __init__(self, station: StationUnderTest, pics: Pics, folder: Path) -> None:
        self._station = station
        self._pics = pics
        configured = pics.configured
        self._keys = Keys(folder / "keys", configured.serial_number)
        self._csms = CentralSystem(configured.identity, Entrance(), configured.heartbeat_interval_s)
        self._written = written()
        self._firmware_server = FirmwareServer()
        self._start: StartConditions | None = None
        """How the station was started; None: it is not started."""
        self._planted: PlantedFault | None = None

    async def __aenter__(self) -> Runner:
        await self._firmware_server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._station.close()
        await self._csms.stop()
        await self._firmware_server.stop()

    async def run(self, rows: Iterable[CatalogueRow], report: Callable[[CaseOutcome], None]) -> list[CaseOutcome]:
        """Every row's outcome, reported as soon as it is known; cases of one kind of start come together."""
        outcomes = []
        for row in sorted(rows, key=self._start_of):
            outcome = await self._outcome(row)
            report(outcome)
            outcomes.append(outcome)
        return outcomes

    def plant(self, fault: PlantedFault | None) -> None:
        """Alter the station's frames like this in the cases of now on; None: no more."""
        self._planted = fault

    def _start_of(self, row: CatalogueRow) -> StartConditions:
        return self._written[row.case_id].start if row.case_id in self._written else StartConditions()

    async def _started(self, start: StartConditions) -> None:
        """The station runs in these conditions; started anew only where it does not yet."""
        if start == self._start:
            return
        await self._csms.stop()
        profile = start.security_profile
        tls = None if profile == 1 else self._keys.server_context(asks_for_certificate=profile == 3)
        password = None if profile == 3 else self._pics.configured.basic_password
        self._csms.entrances = [Entrance(password, tls)]
        await self._csms.start()
        await self._fresh_start(start)

    async def _fresh_start(self, start: StartConditions) -> None:
        """The station from its factory state. Raises BenchRefused where it is not ready in time."""
        self._start = None
        configured, profile = self._pics.configured, start.security_profile
        entrance = self._csms.entrances[0]
        entrance.password = None if profile == 3 else configured.basic_password
        self._csms.answers.forget_orders()
        self._csms.reconnect()
        self._csms.forget_station()
        if entrance.tls is not None:
            self._keys.show(entrance.tls, VALID_SERVER)
        setup = self._keys.setup(start, configured.basic_password)
        await self._station.restore_factory_state(entrance.url, setup)
        await self._until_ready()
        self._start = start

    async def _outcome(self, row: CatalogueRow) -> CaseOutcome:
        exclusion = row.exclusion(self._pics)
        if exclusion is not None:
            return CaseOutcome(row, CaseVerdict.NOT_APPLICABLE, exclusion)
        case = self._written.get(row.case_id)
        if case is None:
            return CaseOutcome(row, CaseVerdict.NOT_WRITTEN, "the suite does not have this case yet")
        try:
            await self._started(case.start)
        except BenchRefused as error:
            return CaseOutcome(row, CaseVerdict.UNDECIDED, str(error))
        outcome = await self._tried(row, case.function)
        if outcome.verdict is CaseVerdict.FAILED and self._planted is None and self._fell_ill(outcome):
            again = await self._tried(row, case.function)
            return replace(again, restored=f"repeated: a connector was Faulted without an order; {again.restored}")
        return outcome

    async def _tried(self, row: CatalogueRow, function: CaseFunction) -> CaseOutcome:
        """The case once, and the station restored."""
        self._csms.begin_case()
        self._firmware_server.begin_case()
        trial = Trial(self._csms, self._station, self._pics, self._keys, self._firmware_server)
        began_s = time.monotonic()
        self._csms.interceptor.plant(self._planted)
        verdict, reason = await self._judged(function, trial)
        altered = self._csms.interceptor.altered
        if self._planted is not None:  # what the suite knows of the station is wrong now
            trial.needs_fresh_start = True
            self._csms.interceptor.plant(None)
        frames = list(self._csms.record)
        restored = await self._restore(trial)
        seconds = time.monotonic() - began_s
        return CaseOutcome(row, verdict, reason, seconds, trial.checks.made, frames, restored, altered)

    @staticmethod
    def _fell_ill(outcome: CaseOutcome) -> bool:
        """A connector went Faulted although the case made no fault: Part 6 wants a station without faults (2.1)."""
        faulted = any(frame.direction == "in" and '"Faulted"' in frame.text for frame in outcome.frames)
        return faulted and not any(frame.text == FAULT_NOTE for frame in outcome.frames)

    async def _judged(self, function: CaseFunction, trial: Trial) -> tuple[CaseVerdict, str]:
        """The verdict and its reason. A case that checked nothing of its own is a mistake of the suite."""
        undecided = await self._undecided(function, trial)
        trial.checks.made += general_rules.judge(trial)
        if trial.checks.failures:
            then = "" if undecided is None else f"; the case ended early: {undecided}"
            return CaseVerdict.FAILED, trial.checks.failures[0].words() + then
        if undecided is not None:
            return CaseVerdict.UNDECIDED, undecided
        if all(validation.step in NO_EVIDENCE for validation in trial.checks.made):
            return CaseVerdict.UNDECIDED, "mistake of the suite: the case checked nothing"
        return CaseVerdict.PASSED, ""

    async def _undecided(self, function: CaseFunction, trial: Trial) -> str | None:
        """Perform the case; why it could not be carried out, where neither station nor case is at fault."""
        try:
            async with asyncio.timeout(CASE_LIMIT_S):
                await function(trial)
        except ValidationFailed:
            return None  # it is among the checks
        except NotConnected as error:
            trial.checks.made.append(Validation("after", "the connection", f"lost: {error}", "kept", False))
        except (BenchRefused, CaseNotDecided) as error:
            return str(error)
        except TimeoutError:
            return f"the case took longer than {CASE_LIMIT_S:g} s"
        except Exception:
            last = traceback.format_exc().strip().splitlines()
            return f"mistake of the suite: {last[-1]} ({last[-3].strip()})"
        return None

    async def _restore(self, trial: Trial) -> str:
        """Put the station back; how, where it needed a fresh start."""
        try:
            if trial.needs_fresh_start:
                raise NotRestored("the case asks for it")
            await Restoration(trial).perform()
        except NotRestored as error:
            await self._csms.close_further_entrances()
            if self._start is not None:
                with contextlib.suppress(BenchRefused):  # the next case tries again, and reports it
                    await self._fresh_start(self._start)
            return f"fresh start: {error}"
        return ""

    async def _until_ready(self) -> None:
        if not await ready(self._csms, self._pics.configured.every_connector(), START_LIMIT_S):
            raise BenchRefused(
                f"the station is not ready {START_LIMIT_S:.0f} s after its start: connected {self._csms.connected}, "
                f"boot {self._csms.boot_status}, connectors {self._csms.connectors}"
            )
