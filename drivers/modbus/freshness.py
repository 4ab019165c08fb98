"""When the registers of a reply were true: what one unit may still send, and what it sent lately.

A reply on a serial line names neither its request nor the register address. So a reply that comes late, or comes a second time, looks
like the answer to the next request of the same form: the same function and the same count. `ReplyMemory` keeps what is needed to
date a reply, and dates it:

* An unanswered request is owed a reply for `OWED_S`. A reply of an owed form has no date. The master asks in another form meanwhile.
* A reply that repeats the last one of its address is as old as the first such reply of the unit's late time: it may be a copy of that one.
  The request it seemed to answer may still get its own answer, so for that time the next replies are dated by that request.
* A reply that repeats an older one, but not the last one, has no date the first time.
* A reply that repeats one of another address has no date the first three times.

Some things no rule can see (docs/hardware.md, «What the Modbus master cannot see»):

* an answer that comes later than `OWED_S`;
* a copy that comes later than the late time, of registers that did not change since;
* a copy together with an answer that is later than the late time.

Each makes a value look younger by at most that delay.

Source: docs/sources/hardware.md 6.3 (late replies seen with other masters); the rules are our own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from drivers.modbus.transaction import Read, WriteCoil, WriteRegister, WriteRegisters

OWED_S = 5.0
"""How long after a lost request its reply may still come (own rule: twice the longest delay seen in public reports)."""

DOUBTS = 2
"""A content that was heard at another address is believed when it was heard so often more at its own (own rule)."""

Form = tuple[int, int]
"""Function and count: all that a read's reply shows of its request, besides the unit."""

WriteRequest = WriteCoil | WriteRegister | WriteRegisters


@dataclass(slots=True)
class _Heard:
    """One content of one address: when it was heard, and when that was asked."""

    asked: deque[tuple[float, float]] = field(default_factory=deque)  # (heard_at_s, sent_at_s), oldest first
    doubts: int = 0
    """So often it is not believed yet: it was heard at another address before."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A write that was sent, and whether an echo came for it."""

    request: WriteRequest
    at_s: float
    answered: bool


class ReplyMemory:
    """What one unit owes and what it sent in the last `OWED_S`. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._owed: dict[Form, list[tuple[float, float]]] = {}  # (sent_at_s, until_s)
        self._perhaps: dict[Form, list[tuple[float, float]]] = {}  # as above: answered, but perhaps by a copy
        self._heard: dict[Form, dict[tuple[int, bytes], _Heard]] = {}
        self._addresses: dict[Form, set[int]] = {}
        self._last: dict[tuple[Form, int], bytes] = {}
        self._writes: deque[_Sent] = deque()

    def forget(self) -> None:
        """The wire was away: nothing that was on it can come any more."""
        for memory in (self._owed, self._perhaps, self._heard, self._addresses, self._last):
            memory.clear()
        self._writes.clear()

    # -- reads ------------------------------------------------------------------------------------

    def owes(self, function: int, count: int, now_s: float) -> bool:
        """A reply of this form may be on its way that answers an older request."""
        return bool(_alive(self._owed, (function, count), now_s))

    def owes_any(self, now_s: float) -> bool:
        """A reply of any form may be on its way."""
        return any(_alive(self._owed, form, now_s) for form in self._owed)

    def lost(self, request: Read, sent_at_s: float, until_s: float) -> None:
        """This read got no answer of its own; one may come until `until_s`."""
        self._owed.setdefault((request.function, request.count), []).append((sent_at_s, until_s))

    def date(self, request: Read, frame: bytes, sent_at_s: float, now_s: float, late_s: float) -> float | None:
        """The second at which, or after which, the unit held these registers. None: nobody can say."""
        form = (request.function, request.count)
        owed, perhaps = _alive(self._owed, form, now_s), _alive(self._perhaps, form, now_s)
        known, elsewhere = self._known(form, request.address, frame, now_s)
        last = self._last.get((form, request.address))
        oldest_s = min((sent for sent, _ in (*owed, *perhaps)), default=sent_at_s)
        repeated = known is not None and last == frame and not owed
        self._remember(form, request.address, frame, sent_at_s if repeated else oldest_s, now_s, late_s)
        self._last[form, request.address] = frame
        if known is None and not elsewhere and not owed:
            return oldest_s
        self._perhaps.setdefault(form, []).append((sent_at_s, now_s + late_s))
        if owed or known is None:
            return None
        recent = [sent for heard, sent in known.asked if now_s - late_s <= heard < now_s]
        if recent:
            return min(recent[0], oldest_s)
        return min(known.asked[-2][1], oldest_s) if repeated else None

    def stray(self, function: int, count: int, frame: bytes, now_s: float, *, asked: bool = False) -> bool:
        """A reply came that nobody waits for. True: it was one of those owed, and it is no more.

        `asked`: the unit is being asked in another form, so it may be a spoiled answer to that.
        """
        form = (function, count)
        heard = self._heard.get(form, {})
        if any(content == frame for _, content in heard):
            return False  # a copy
        owed, perhaps = _alive(self._owed, form, now_s), _alive(self._perhaps, form, now_s)
        oldest_s = min((sent for sent, _ in (*owed, *perhaps)), default=now_s - OWED_S)
        for address in {address for address, _ in heard} or {-1}:
            self._remember(form, address, frame, oldest_s, now_s, OWED_S)
        if owed and not perhaps and not asked:
            owed.pop(0)
            return True
        return False

    def _known(self, form: Form, address: int, frame: bytes, now_s: float) -> tuple[_Heard | None, bool]:
        """The same content heard lately at this address, and whether it was heard at another one only."""
        contents = self._heard.get(form)
        if not contents:
            return None, False
        while contents:
            key, oldest = next(iter(contents.items()))
            if now_s - oldest.asked[-1][0] <= OWED_S:
                break
            del contents[key]
        own = contents.get((address, frame))
        if own is not None and own.doubts > 0:
            own.doubts -= 1
            return None, True
        if own is not None:
            return own, False
        return None, self._elsewhere(form, address, frame)

    def _elsewhere(self, form: Form, address: int, frame: bytes) -> bool:
        """Another address of this form showed the same content. Mostly a form is asked of one address only."""
        others = self._addresses.get(form, set()) - {address}
        return any((other, frame) in self._heard[form] for other in others)

    def _remember(self, form: Form, address: int, frame: bytes, sent_at_s: float, now_s: float, keep_s: float) -> None:
        contents = self._heard.setdefault(form, {})
        heard = contents.pop((address, frame), None)
        if heard is None:
            heard = _Heard(doubts=DOUBTS * self._elsewhere(form, address, frame))
            self._addresses.setdefault(form, set()).add(address)
        contents[address, frame] = heard  # the least lately heard stays first
        heard.asked.append((now_s, sent_at_s))
        while len(heard.asked) > 2 and now_s - heard.asked[0][0] > keep_s:
            heard.asked.popleft()

    # -- writes -----------------------------------------------------------------------------------

    def wrote(self, request: WriteRequest, sent_at_s: float, answered: bool) -> None:
        """This write was sent, and its echo came or did not."""
        while self._writes and sent_at_s - self._writes[0].at_s > OWED_S:
            self._writes.popleft()
        self._writes.append(_Sent(request, sent_at_s, answered))

    def proves(self, request: WriteRequest, now_s: float) -> bool:
        """Whether an echo of this write shows that the unit holds its value: no lost write, echoed alike, stands behind another value."""
        doubt = False
        for sent in self._writes:
            if now_s - sent.at_s > OWED_S or sent.request.address != request.address:
                continue
            if sent.request == request:
                doubt |= not sent.answered and self._another_after(sent, request)
            elif _echo(sent.request) == _echo(request):
                doubt |= not sent.answered
        return not doubt

    def _another_after(self, lost: _Sent, request: WriteRequest) -> bool:
        later = (sent for sent in self._writes if sent.at_s > lost.at_s)
        return any(sent.request.address == request.address and sent.request != request for sent in later)


def _alive(entries: dict[Form, list[tuple[float, float]]], form: Form, now_s: float) -> list[tuple[float, float]]:
    """The entries of a form that have not run out; the others are dropped."""
    kept = entries.get(form)
    if kept is None:
        return []
    if any(until < now_s for _, until in kept):
        kept[:] = [entry for entry in kept if entry[1] >= now_s]
    return kept


def _echo(request: WriteRequest) -> tuple[int, int, int]:
    """What the echo of a write shows: function 16 echoes no values."""
    match request:
        case WriteCoil():
            return 5, request.address, int(request.on)
        case WriteRegister():
            return 6, request.address, request.value
        case WriteRegisters():
            return 16, request.address, len(request.values)
