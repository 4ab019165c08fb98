"""A client of a bench, with nothing but Python's standard library: `Bench` for plain programs, `AsyncBench` for asyncio. docs/client.md."""

from hil.client.async_bench import AsyncBench
from hil.client.errors import BenchGone, Expired, Refused
from hil.client.sync_bench import Bench

__all__ = ["AsyncBench", "Bench", "BenchGone", "Expired", "Refused"]
