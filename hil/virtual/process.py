"""A process of the bench that is none of the computer: what runs in it can be stopped, continued and killed as by signals.

Everything that is started inside a process belongs to it: tasks, timers, sockets. A killed process does not run another line, not even
to tidy up; its sockets are closed, as the kernel would close them. Its files stay as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
import socket
import sys
import weakref
from collections.abc import Coroutine, Iterator
from typing import Any

from hil.virtual.loop import VirtualLoop

_CURRENT: contextvars.ContextVar[VirtualProcess | None] = contextvars.ContextVar("virtual_process", default=None)


class VirtualProcess:
    """One life of a process: `start`, then `kill`, `stop` and `go_on`, or its own end. Not to be started again."""

    def __init__(self, name: str, loop: VirtualLoop) -> None:
        _watch_sockets()
        loop.set_task_factory(_owned_task)  # type: ignore[arg-type]  # a factory may leave out what it does not use
        self.name = name
        self._loop = loop
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()
        self._context = contextvars.copy_context()
        self._context.run(_CURRENT.set, self)
        self._held: list[Any] = []
        self._held_timers: list[Any] = []
        self._held_keys: list[tuple[Any, int, Any]] = []
        self._remains: list[Any] = []
        """What a killed process leaves is kept until the computer's own process ends: nobody may tidy it up."""
        self.dead = False
        self.stopped = False
        self.task: asyncio.Task[None] | None = None

    def start(self, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run this inside the process. The task ends with it; the task of a killed process never ends."""
        self.task = self._loop.create_task(main, name=self.name, context=self._context)
        return self.task

    def enter(self) -> contextvars.Context:
        """For code that is run inside the process from outside, in a thread of its own."""
        return self._context.copy()

    def adopt(self, sock: socket.socket) -> None:
        """This socket is closed when the process is killed."""
        self._sockets.add(sock)

    def kill(self) -> None:
        """As SIGKILL. A process that is dead already stays so."""
        if self.dead:
            return
        self.dead = True
        loop: Any = self._loop
        if self.stopped:
            self._remains += [self._held, self._held_timers]
            self._held_keys.clear()
        for handle in [*loop._ready, *loop._scheduled]:
            if self._owns(handle):
                self._remains.append((handle._callback, handle._args))
                handle.cancel()
        for key in self._keys():
            self._remains.append(key.data)
            self._loop.selector_of_time.unregister(key.fileobj)
        for task in list(self._tasks):
            self._remains.append(task)
            asyncio.tasks._unregister_task(task)  # else the end of the loop would cancel it, and it would tidy up
        for sock in list(self._sockets):
            self._remains.append(sock)
            loop._transports.pop(sock.fileno(), None)  # else the next socket with this number would count as in use
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        _REMAINS.append(self._remains)

    def stop(self) -> None:
        """As SIGSTOP: nothing of it runs until `go_on`. Its sockets stay open, and what is sent to it waits."""
        if self.dead or self.stopped:
            return
        self.stopped = True
        loop: Any = self._loop
        self._held = [handle for handle in loop._ready if self._owns(handle)]
        for handle in self._held:
            loop._ready.remove(handle)
        self._held_timers = [handle for handle in loop._scheduled if self._owns(handle)]
        loop._scheduled = [handle for handle in loop._scheduled if not self._owns(handle)]
        heapq.heapify(loop._scheduled)
        for key in self._keys():
            self._held_keys.append((key.fileobj, key.events, key.data))
            self._loop.selector_of_time.unregister(key.fileobj)

    def go_on(self) -> None:
        """As SIGCONT."""
        if self.dead or not self.stopped:
            return
        self.stopped = False
        loop: Any = self._loop
        for fileobj, events, data in self._held_keys:
            self._loop.selector_of_time.register(fileobj, events, data)
        for handle in self._held_timers:
            heapq.heappush(loop._scheduled, handle)
        loop._ready.extend(self._held)
        self._held_keys, self._held_timers, self._held = [], [], []

    def _keys(self) -> Iterator[Any]:
        """What the selector watches for this process."""
        for key in list(self._loop.selector_of_time.get_map().values()):
            if key.data is not None and any(handle is not None and self._owns(handle) for handle in key.data):
                yield key

    def _owns(self, handle: Any) -> bool:
        return handle._context.get(_CURRENT) is self

    def own(self, task: asyncio.Task[Any]) -> None:
        """This task ends with the process."""
        self._tasks.add(task)


_REMAINS: list[list[Any]] = []
_watching = False


def _owned_task(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], context: contextvars.Context | None = None
) -> asyncio.Task[Any]:
    """A task of the process in which it is started."""
    task = asyncio.Task(work, loop=loop, context=context)
    process = _CURRENT.get() if context is None else context.get(_CURRENT)
    if process is not None:
        process.own(task)
    return task


def _watch_sockets() -> None:
    """From now on each socket that is made belongs to the process in which it is made."""
    global _watching
    if not _watching:
        _watching = True
        sys.addaudithook(_note_socket)


def _note_socket(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.__new__":
        process = _CURRENT.get()
        if process is not None and isinstance(arguments[0], socket.socket):
            process.adopt(arguments[0])
