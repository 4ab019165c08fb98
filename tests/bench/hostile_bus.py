"""`./run bench hostile-bus [--replies N] [--seed N] [--json]`: a device that spoils its replies in every way, in virtual time.

One wire, two devices. The guilty one spoils half of its replies; the healthy one is asked each 20 ms as a pilot/IO board is. Nothing
sleeps. The figures that must be 0:

* `wrong_accepted`: registers or an echo that the device never gave for that address.
* `stale_accepted_as_fresh`: registers that the device did not hold any more at the second that the master dated them.
* `stalls_beyond`: the healthy device waited for longer than a failure of its own, where the guilty one spoke into its reply, with a
  failure of the guilty one before it and one after it, and its read in three frames.

The registers of the guilty device show in turn: a new number for each sample, a number that changes twice a second, one that
goes to and fro, and one that never changes.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from drivers.modbus.frame import encode, reply_length, sealed
from drivers.modbus.rtu import RtuMaster
from drivers.modbus.transaction import (
    DeviceTiming,
    Failed,
    FailureKind,
    Outcome,
    Priority,
    Read,
    ReadDone,
    WriteDone,
    WriteRegister,
)

BAUD = 115_200
CHAR_S = 11 / BAUD
GUILTY, HEALTHY = 1, 2
GUILTY_TIMING = DeviceTiming(timeout_s=0.06, turnaround_s=0.04, late_s=0.15, backoff_min_s=0.1, backoff_max_s=0.5)
HEALTHY_TIMING = DeviceTiming(
    timeout_s=0.03, turnaround_s=0.02, late_s=0.03, failures_to_back_off=5, failures_to_pace=5
)
LATE_MAX_S = 4.8
"""The longest delay of a late reply here, below `drivers.modbus.freshness.OWED_S`."""
HEALTHY_FORMS = ((15, 9), (16, 8), (17, 7), (18, 6))
"""As the pilot/IO board's driver reads it after a lost reply."""
CYCLE_S = 0.025
HEALTHY_CYCLE_S = 0.020
SPOILED = 0.5
CONTENT_S = 30.0
"""So long the guilty device shows one kind of content."""

MUTATIONS = (
    *("bit_flip", "wrong_unit", "wrong_function", "wrong_count", "wrong_echo", "truncated", "doubled", "doubled_late"),
    *("late", "merged", "noise_before", "noise_after", "babble", "exception", "silent"),
)
BLOCKS = {0: (10, ((11,), (12,), (4, 6), (3, 7), (2, 8))), 100: (5, ((6,), (2, 3), (1, 4)))}
"""Address: count, and other forms, as a profile of ten registers gives them."""


@dataclass(slots=True)
class Guilty:
    """The guilty device's registers, and until when each content was true."""

    held_until_s: dict[tuple[int, int], float] = field(default_factory=dict)
    sample: int = 0
    written: int = -1

    def registers(self, address: int, count: int, now_s: float) -> list[int]:
        """Each register is its address and the number that is shown now: a register of another address is known."""
        number = self.number(now_s)
        self.held_until_s[address, number] = now_s
        return [((address + i) % 64) << 10 | number for i in range(count)]

    def number(self, now_s: float) -> int:
        self.sample += 1
        match int(now_s / CONTENT_S) % 4:
            case 0:
                return self.sample % 1000
            case 1:
                return int(now_s * 2) % 1000
            case 2:
                return int(now_s * 3) % 2
            case _:
                return 7


@dataclass(slots=True)
class Bench:
    """The wire, both devices and the judge."""

    seed: int
    replies_wanted: int
    now_s: float = 100.0
    replies: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    longest_stall_s: float = 0.0
    examples: list[str] = field(default_factory=list)
    guilty: Guilty = field(default_factory=Guilty)
    arrivals: list[tuple[float, int, bytes]] = field(default_factory=list)
    serial: int = 0
    previous: bytes = b""
    busy: set[str] = field(default_factory=set)
    due_s: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("state", "settings", "write", "healthy"), 0.0)
    )
    healthy_at_s: float = 100.0
    chance: random.Random = field(default_factory=random.Random)
    master: RtuMaster = field(default_factory=lambda: RtuMaster("hostile", BAUD))

    def run(self) -> dict[str, Any]:
        """Until enough replies were spoiled or sent; returns the figures."""
        self.chance = random.Random(self.seed)
        self.master.paced = True
        self.master.configure(GUILTY, GUILTY_TIMING)
        self.master.configure(HEALTHY, HEALTHY_TIMING)
        self.master.connected(self.now_s)
        while self.replies < self.replies_wanted:
            self.step()
        bound_s = stall_bound_s()
        health = self.master.health()
        return {
            "replies": self.replies,
            "seed": self.seed,
            "wrong_accepted": self.counts["wrong"],
            "stale_accepted_as_fresh": self.counts["stale"],
            "stalls_beyond": self.counts["stalls"],
            "longest_stall_ms": round(self.longest_stall_s * 1000, 1),
            "stall_bound_ms": round(bound_s * 1000, 1),
            "accepted": self.counts["accepted"],
            "writes_accepted": self.counts["written"],
            "undated": self.counts["undated"],
            "healthy_accepted": self.counts["healthy"],
            "oldest_date_ms": round(self.counts["oldest_us"] / 1000, 1),
            "virtual_s": round(self.now_s - 100.0, 1),
            "late": health.late,
            "crc_errors": health.crc_errors,
            "mismatches": health.mismatches,
            "timeouts": health.timeouts,
            "mutations": {name: self.counts[name] for name in MUTATIONS},
            "examples": self.examples,
        }

    def step(self) -> None:
        self.ask()
        self.master.tick(self.now_s)
        frame = self.master.to_send(self.now_s)
        if frame:
            self.answer(frame)
        times = [min(self.due_s.values())]
        if self.arrivals:
            times.append(self.arrivals[0][0])
        if self.master.deadline_s is not None:
            times.append(self.master.deadline_s)
        self.now_s = max(self.now_s + 1e-5, min(times))
        while self.arrivals and self.arrivals[0][0] <= self.now_s:
            self.master.receive(heapq.heappop(self.arrivals)[2], self.now_s)

    # -- what is asked ----------------------------------------------------------------------------

    def ask(self) -> None:
        for what, cycle_s in (("state", CYCLE_S), ("settings", 0.4), ("write", 0.11), ("healthy", HEALTHY_CYCLE_S)):
            if self.now_s < self.due_s[what]:
                continue
            self.due_s[what] = self.now_s + cycle_s
            if what in self.busy:
                continue
            self.busy.add(what)
            if what == "healthy":
                self.master.submit(Read(HEALTHY, 4, 0, 24, HEALTHY_FORMS), self.healthy_done, Priority.FAST)
            elif what == "write":
                request = WriteRegister(GUILTY, 500, self.write_value())
                self.master.submit(request, lambda o, r=request: self.write_done(o, r), Priority.SETPOINT)  # type: ignore[misc]
            else:
                address = 0 if what == "state" else 100
                count, forms = BLOCKS[address]
                read = Read(GUILTY, 3, address, count, forms)
                self.master.submit(read, lambda o, r=read, w=what: self.read_done(o, r, w), Priority.FAST)  # type: ignore[misc]

    def write_value(self) -> int:
        """A value that was not written in the last seconds: an equal echo shows nothing (docs/hardware.md)."""
        self.serial += 1
        return self.serial % 60_000

    def read_done(self, outcome: Outcome, request: Read, what: str) -> None:
        self.busy.discard(what)
        if isinstance(outcome, Failed):
            self.counts["undated"] += outcome.kind is FailureKind.UNDATED
            return
        assert isinstance(outcome, ReadDone)
        self.counts["accepted"] += 1
        places = [value >> 10 for value in outcome.registers]
        if places != [(request.address + i) % 64 for i in range(request.count)]:
            self.note("wrong", f"{request} gave {outcome.registers}")
            return
        self.counts["oldest_us"] = max(self.counts["oldest_us"], int(1e6 * (self.now_s - outcome.at_s)))
        for offset, value in enumerate(outcome.registers):
            if self.last_held_s(value & 0x3FF) < outcome.at_s - 1e-9:
                self.note(
                    "stale",
                    f"{self.now_s:.4f}: {request} register {offset} dated {outcome.at_s:.4f}, held until {self.last_held_s(value & 0x3FF):.4f}",
                )
                return

    def last_held_s(self, number: int) -> float:
        """The last second until now at which the device held this number."""
        match int(self.now_s / CONTENT_S) % 4:
            case 0:
                pass
            case 1 if int(self.now_s * 2) % 1000 == number:
                return self.now_s
            case 2 if int(self.now_s * 3) % 2 == number:
                return self.now_s
            case 3 if number == 7:
                return self.now_s
            case _:
                pass
        return max((at for (_, held), at in self.guilty.held_until_s.items() if held == number), default=-1e9)

    def write_done(self, outcome: Outcome, request: WriteRegister) -> None:
        self.busy.discard("write")
        if isinstance(outcome, WriteDone):
            self.counts["written"] += 1
            if self.guilty.written != request.value:
                self.note("stale", f"{self.now_s:.4f}: {request} acknowledged, the device holds {self.guilty.written}")

    def healthy_done(self, outcome: Outcome) -> None:
        self.busy.discard("healthy")
        if not isinstance(outcome, ReadDone):
            self.due_s["healthy"] = self.now_s
            return
        self.counts["healthy"] += 1
        stall_s = self.now_s - self.healthy_at_s
        self.longest_stall_s = max(self.longest_stall_s, stall_s)
        bound_s = stall_bound_s()
        if stall_s > bound_s:
            self.note("stalls", f"{self.now_s:.4f}: the healthy device waited for {stall_s * 1000:.1f} ms")
        self.healthy_at_s = self.now_s
        if outcome.registers[0] != 0xBEEF:
            self.note("wrong", f"healthy device: {outcome.registers}")

    def note(self, what: str, text: str) -> None:
        self.counts[what] += 1
        if len(self.examples) < 8:
            self.examples.append(f"{what}: {text}")

    # -- how the devices answer -------------------------------------------------------------------

    def answer(self, frame: bytes) -> None:
        unit, function = frame[0], frame[1]
        address, word = struct.unpack(">HH", frame[2:6])
        begins_s = self.now_s + len(frame) * CHAR_S + self.chance.uniform(0.002, 0.006)
        if unit == HEALTHY:
            self.serial += 1
            words = [0xBEEF if address + i == 0 else self.serial & 0xFFFF for i in range(word)]
            self.deliver(sealed(bytes((unit, function, 2 * word)) + struct.pack(f">{word}H", *words)), begins_s)
            return
        self.replies += 1
        how = self.chance.choice(MUTATIONS) if self.chance.random() < SPOILED else ""
        self.counts[how] += 1
        if function == 6:
            if how in ("silent", "exception", "babble") and self.chance.random() < 0.5:
                reply = b""  # the request itself was lost
            else:
                self.guilty.written = word
                reply = frame
        else:
            words = self.guilty.registers(address, word, begins_s)
            reply = sealed(bytes((unit, function, 2 * word)) + struct.pack(f">{word}H", *words))
            if len(self.guilty.held_until_s) > 4000:
                recent = {key: at for key, at in self.guilty.held_until_s.items() if at > self.now_s - 60.0}
                self.guilty.held_until_s = recent
        if reply:
            self.spoil(reply, how, begins_s)
            if how in ("", "noise_before", "noise_after", "doubled", "doubled_late"):
                self.previous = reply  # what was really sent

    def spoil(self, reply: bytes, how: str, begins_s: float) -> None:
        chance = self.chance
        body = bytearray(reply[:-2])
        match how:
            case "bit_flip":
                at = chance.randrange(8 * len(reply))
                reply = bytes(byte ^ (1 << at % 8 if i == at // 8 else 0) for i, byte in enumerate(reply))
            case "wrong_unit":
                body[0] = chance.choice((HEALTHY, 3, 9))
                reply = sealed(bytes(body))
            case "wrong_function":
                body[1] = 4 if body[1] == 3 else 3
                reply = sealed(bytes(body))
            case "wrong_count" if body[1] == 3:
                more = chance.choice((-2, 2, 4))
                words = bytes(body[3:]) + b"\x12\x34" * 2
                length = max(2, body[2] + more)
                reply = sealed(bytes((body[0], 3, length)) + words[:length])
            case "wrong_echo" if body[1] == 6:
                body[3] ^= 1
                reply = sealed(bytes(body))
            case "truncated":
                reply = reply[: chance.randrange(1, len(reply))]
            case "doubled":
                self.deliver(reply, begins_s + len(reply) * CHAR_S + chance.uniform(0.0, GUILTY_TIMING.late_s))
            case "doubled_late":
                self.deliver(reply, begins_s + len(reply) * CHAR_S + chance.uniform(0.0, LATE_MAX_S))
            case "late":
                begins_s += chance.uniform(0.05, LATE_MAX_S)
            case "merged":
                reply = chance.choice((self.previous + reply, reply + self.previous, reply + reply))
            case "noise_before":
                reply = chance.randbytes(chance.randrange(1, 12)) + reply
            case "noise_after":
                reply += chance.randbytes(chance.randrange(1, 12))
            case "babble":
                reply = chance.randbytes(chance.randrange(1, 120))
            case "exception":
                reply = sealed(bytes((body[0], body[1] | 0x80, chance.choice((2, 4, 6)))))
            case "silent":
                return
            case _:
                pass
        self.deliver(reply, begins_s)

    def deliver(self, data: bytes, begins_s: float) -> None:
        """In one piece, or in two."""
        cut = self.chance.randrange(len(data)) if self.chance.random() < 0.3 else 0
        for part, end in ((data[:cut], cut), (data[cut:], len(data))):
            if part:
                heapq.heappush(self.arrivals, (begins_s + end * CHAR_S, self.chance.getrandbits(40), part))


def failure_s(timing: DeviceTiming, count: int) -> float:
    """What one failure of a device costs the wire: request, time-out, quarantine, and the longest reply twice."""
    read = Read(1, 3, 0, count)
    return (len(encode(read)) + 2 * reply_length(read)) * CHAR_S + timing.timeout_s + timing.turnaround_s


def stall_bound_s() -> float:
    """The longest wait of the healthy device that the rules of the master allow."""
    exchange_s = (8 + reply_length(Read(1, 4, 0, 24))) * CHAR_S + 0.006 + 0.002
    return HEALTHY_CYCLE_S + 2 * failure_s(GUILTY_TIMING, 12) + failure_s(HEALTHY_TIMING, 24) + 3 * exchange_s


def measure(replies: int, seed: int) -> dict[str, Any]:
    """Run the bench once."""
    return Bench(seed, replies).run()


def main() -> int:
    """Print the figures; status 1 unless all that must be 0 is 0."""
    parser = argparse.ArgumentParser(
        prog="./run bench hostile-bus", description="a hostile device against the RTU master"
    )
    parser.add_argument("--replies", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    begun_s = time.monotonic()
    figures = measure(arguments.replies, arguments.seed)
    figures["real_s"] = round(time.monotonic() - begun_s, 1)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value}")
    return int(bool(figures["wrong_accepted"] or figures["stale_accepted_as_fresh"] or figures["stalls_beyond"]))


if __name__ == "__main__":
    sys.exit(main())
