"""A pymodbus RTU server on a tty that answers for several device maps, the plant advanced to now before each answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from hil.simulators.registers.device_map import DeviceMap

_CODES = {1: ExcCodes.ILLEGAL_FUNCTION, 2: ExcCodes.ILLEGAL_ADDRESS, 3: ExcCodes.ILLEGAL_VALUE}
_CODES |= {4: ExcCodes.DEVICE_FAILURE, 6: ExcCodes.DEVICE_BUSY}


def serve(port: str, maps: Sequence[DeviceMap], before: Callable[[], None]) -> ModbusSerialServer:
    """A server for `port`, not yet listening. `before` runs ahead of each access."""
    devices = devices_of(maps, before)
    return ModbusSerialServer(devices, framer=FramerType.RTU, port=port, baudrate=115200, ignore_missing_devices=True)


def port_of(server: ModbusTcpServer) -> int:
    """The port that a listening server got."""
    sockets: list[Any] = server.transport.sockets  # type: ignore[attr-defined]
    return int(sockets[0].getsockname()[1])


def devices_of(maps: Sequence[DeviceMap], before: Callable[[], None]) -> list[SimDevice]:
    """What a server of pymodbus takes, for several device maps; `before` runs ahead of each access."""
    return [_device(device_map, before) for device_map in maps]


def _device(device_map: DeviceMap, before: Callable[[], None]) -> SimDevice:
    coil_first, coil_count = device_map.coils
    first_word = coil_first // 16
    coil_words = (coil_first + coil_count - 1) // 16 - first_word + 1

    async def action(
        function: int, start: int, address: int, count: int, registers: list[int], values: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        before()
        if values is not None:
            code = device_map.write(function, address, [int(value) for value in values])
            return _CODES[code] if code else None
        if function in (5, 6):
            return None  # pymodbus reads back what it just stored to make the echo
        if function == 1:
            word = address // 16
            for i in range(count):
                bits = device_map.read(1, (word + i) * 16, 16) or [0] * 16
                registers[word - start + i] = sum(bit << n for n, bit in enumerate(bits))
            return None
        found = device_map.read(4 if function == 4 else 3, address, count)
        if found is None:
            return ExcCodes.ILLEGAL_ADDRESS
        registers[address - start : address - start + count] = found
        return None

    def block(first: int, count: int) -> list[SimData]:
        return [SimData(first, count=count, values=0, datatype=DataType.REGISTERS)]

    bits = [SimData(first_word * 16, count=coil_words * 16, values=False, datatype=DataType.BITS)]
    spare = [SimData(0, count=16, values=False, datatype=DataType.BITS)]
    return SimDevice(
        id=device_map.unit,
        simdata=(bits, spare, block(*device_map.holding), block(*device_map.inputs)),
        action=action,
    )
