"""The run: each selected case once, the station restored between cases, restarted only where it does not come back."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace

from hil.certification import general_rules
from hil.certification.catalogue import CatalogueRow
from hil.certification.central_system import FAULT_NOTE, CentralSystem, Entrance, NotConnected
from hil.certification.pics import Pics
from hil.certification.registry import CaseFunction, written
from hil.certification.restoration import NotRestored, Restoration, ready
from hil.certification.results import CaseOutcome, CaseVerdict
from hil.certification.station_under_test import BenchRefused, StationUnderTest
from hil.certification.trial import Trial
from hil.certification.validation import CaseNotDecided, Validation, ValidationFailed

CASE_LIMIT_S = 180.0
START_LIMIT_S = 60.0
NO_EVIDENCE = ("before", "general")
"""Steps whose checks do not decide a case: its preparation, and the rules of every case."""


class Runner:
    """Start with `async with`; the station and the central system are gone afterwards."""

    def __init__(self, station: StationUnderTest, pics: Pics) -> None:
        self._station = station
        self._pics = pics
        configured = pics.configured
        entrance = Entrance(password=configured.basic_password)
        self._csms = CentralSystem(configured.identity, entrance, configured.heartbeat_interval_s)
        self._functions = written()

    async def __aenter__(self) -> Runner:
        await self._csms.start()
        try:
            await self._station.open(self._csms.entrances[0].url)
            await self._until_ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._station.close()
        await self._csms.stop()

    async def run(self, rows: Iterable[CatalogueRow], report: Callable[[CaseOutcome], None]) -> list[CaseOutcome]:
        """Every row's outcome, reported as soon as it is known."""
        outcomes = []
        for row in rows:
            outcome = await self._outcome(row)
            report(outcome)
            outcomes.append(outcome)
        return outcomes

    async def _outcome(self, row: CatalogueRow) -> CaseOutcome:
        exclusion = row.exclusion(self._pics)
        if exclusion is not None:
            return CaseOutcome(row, CaseVerdict.NOT_APPLICABLE, exclusion)
        function = self._functions.get(row.case_id)
        if function is None:
            return CaseOutcome(row, CaseVerdict.NOT_WRITTEN, "the suite does not have this case yet")
        outcome = await self._tried(row, function)
        if outcome.verdict is CaseVerdict.FAILED and self._fell_ill(outcome):
            again = await self._tried(row, function)
            return replace(again, restored=f"repeated: a connector was Faulted without an order; {again.restored}")
        return outcome

    async def _tried(self, row: CatalogueRow, function: CaseFunction) -> CaseOutcome:
        """The case once, and the station restored."""
        self._csms.begin_case()
        trial = Trial(self._csms, self._station, self._pics)
        began_s = time.monotonic()
        verdict, reason = await self._judged(function, trial)
        frames = list(self._csms.record)
        restored = await self._restore(trial)
        seconds = time.monotonic() - began_s
        return CaseOutcome(row, verdict, reason, seconds, trial.checks.made, frames, restored)

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
            return CaseVerdict.FAILED, trial.checks.failures[0].words()
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
            self._csms.answers.forget_orders()
            self._csms.reconnect()
            self._csms.forget_station()
            await self._station.restore_factory_state(self._csms.entrances[0].url)
            await self._until_ready()
            return f"fresh start: {error}"
        return ""

    async def _until_ready(self) -> None:
        if not await ready(self._csms, self._pics.configured.every_connector(), START_LIMIT_S):
            raise BenchRefused(
                f"the station is not ready {START_LIMIT_S:.0f} s after its start: connected {self._csms.connected}, "
                f"boot {self._csms.boot_status}, connectors {self._csms.connectors}"
            )
