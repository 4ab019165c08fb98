"""Orders that come over the site bus: from the bytes of a message to a typed order, or to a sentence that says what is wrong. A core.

The types are the schema: `docs/site-bus.schema.json` is made from them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

ORDER_MAX_BYTES = 4096
"""Of one message. An order has a few hundred."""

POWER_MAX_W = 1e7

OrderId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[!-~]+$")]
Evse = Annotated[int, Field(ge=1, le=64, description="number of the EVSE")]
Magnitude = Annotated[float, Field(ge=0, le=POWER_MAX_W, description="W, a magnitude")]
Percent = Annotated[float, Field(ge=0, le=100)]


class _Order(BaseModel):
    """What every order has."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    id: OrderId | None = Field(
        None,
        description="unique: an order that comes again with its id gets the same answer and does nothing; none: a program that can "
        "make no ids, whose order is done each time it comes; start and stop need one",
    )
    sender: str = Field("site", min_length=1, max_length=32, description="who orders, for journal and explanation")
    not_after: AwareDatetime | None = Field(
        None, description="an order that arrives later is refused; UTC or with an offset"
    )


class _Leased(_Order):
    lease_s: float = Field(ge=1, description="the order ends by itself after so many seconds; repeat it to go on")


class SetpointOrder(_Leased):
    """Power of one EVSE, or of the whole station, positive into the cars."""

    do: Literal["setpoint"]
    evse: Evse | None = Field(None, description="none: for the whole station, shared by what each car can take or give")
    power_W: float = Field(ge=-POWER_MAX_W, le=POWER_MAX_W, description="W, positive into the cars")


class ReleaseOrder(_Order):
    """Withdraw the set-point: the next party decides."""

    do: Literal["release"]
    evse: Evse | None = Field(None, description="none: the set-point of the whole station")


class LimitOrder(_Leased):
    """What all EVSEs together may take from the grid and give to it."""

    do: Literal["limit"]
    import_max_W: Magnitude
    export_max_W: Magnitude


class UnlimitOrder(_Order):
    """Withdraw the limit."""

    do: Literal["unlimit"]


class DriverOrder(_Leased):
    """What the driver wants of the car at one EVSE."""

    do: Literal["driver"]
    evse: Evse
    minimum_soc_percent: Percent | None = Field(None, description="no discharge at or below it")
    target_soc_percent: Percent | None = Field(None, description="to be reached by the departure")
    departure: AwareDatetime | None = Field(None, description="UTC or with an offset")

    @model_validator(mode="after")
    def _complete(self) -> DriverOrder:
        if self.minimum_soc_percent is None and self.target_soc_percent is None:
            raise ValueError("minimum_soc_percent, or target_soc_percent with departure")
        if (self.target_soc_percent is None) != (self.departure is None):
            raise ValueError("target_soc_percent and departure belong together")
        return self


class PauseOrder(_Leased):
    """No power either way; the session goes on."""

    do: Literal["pause"]
    evse: Evse


class ResumeOrder(_Order):
    """End a pause."""

    do: Literal["resume"]
    evse: Evse


class StartOrder(_Order):
    """Begin a transaction for this token."""

    do: Literal["start"]
    id: OrderId
    evse: Evse
    token: str = Field(
        min_length=1, max_length=36, description="who asks for energy; it is authorised as if shown at the reader"
    )


class StopOrder(_Order):
    """End the transaction in good order."""

    do: Literal["stop"]
    id: OrderId
    evse: Evse


Order = Annotated[
    SetpointOrder
    | ReleaseOrder
    | LimitOrder
    | UnlimitOrder
    | DriverOrder
    | PauseOrder
    | ResumeOrder
    | StartOrder
    | StopOrder,
    Field(discriminator="do"),
]

PERMISSION = {
    "setpoint": "setpoint",
    "release": "setpoint",
    "limit": "limit",
    "unlimit": "limit",
    "driver": "driver",
    "pause": "pause",
    "resume": "pause",
    "start": "start",
    "stop": "stop",
}
"""Of each order the word in [site_bus] orders that permits it."""

ORDERS: TypeAdapter[Order] = TypeAdapter(Order)


class MeterMessage(BaseModel):
    """The meter at the site's connection, positive from the grid: a number of watts, or an object like this."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    power_W: float | None = Field(None, ge=-POWER_MAX_W, le=POWER_MAX_W, description="of all phases")
    phases_W: tuple[float, float, float] | None = Field(None, description="of each phase")

    @model_validator(mode="after")
    def _one_of_both(self) -> MeterMessage:
        if self.power_W is None and self.phases_W is None:
            raise ValueError("power_W, or phases_W")
        if self.phases_W is not None and not all(abs(power_W) <= POWER_MAX_W for power_W in self.phases_W):
            raise ValueError(f"phases_W: at most {POWER_MAX_W:g} each")
        return self


class OrderAnswer(BaseModel):
    """What became of an order."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="of the order; empty where it has none that can be read")
    accepted: bool
    code: str = Field(description="one word for programs: Accepted, or why not")
    text: str = Field(description="one sentence for people")
    until: datetime | None = Field(None, description="UTC; when the order ends by itself")


class UnreadableOrder(ValueError):
    """A message that is no order. The text says what, where, the value and its bound."""

    def __init__(self, text: str, order_id: str = "", code: str = "Malformed") -> None:
        super().__init__(text)
        self.order_id = order_id
        self.code = code


def read_order(payload: bytes) -> Order:
    """One order. Raises UnreadableOrder."""
    if len(payload) > ORDER_MAX_BYTES:
        raise UnreadableOrder(f"{len(payload)} bytes: an order has at most {ORDER_MAX_BYTES}", code="TooLarge")
    try:
        return ORDERS.validate_json(payload)
    except ValidationError as error:
        raise UnreadableOrder(_sentence(error), _id_of(payload)) from None


def read_meter(payload: bytes) -> tuple[float, ...]:
    """Watts: the sum, or of three phases. Raises UnreadableOrder."""
    if len(payload) > ORDER_MAX_BYTES:
        raise UnreadableOrder(f"{len(payload)} bytes: a meter value has at most {ORDER_MAX_BYTES}", code="TooLarge")
    try:
        value = _METER.validate_json(payload)
    except ValidationError as error:
        raise UnreadableOrder(_sentence(error)) from None
    if isinstance(value, float):
        return (value,)
    if value.phases_W is not None:
        return value.phases_W
    assert value.power_W is not None
    return (value.power_W,)


_METER: TypeAdapter[float | MeterMessage] = TypeAdapter(
    Annotated[float, Field(ge=-POWER_MAX_W, le=POWER_MAX_W, allow_inf_nan=False, strict=True)] | MeterMessage
)
_JUST_ID = TypeAdapter(dict[str, object])


def _id_of(payload: bytes) -> str:
    """The id of a message that is wrong elsewhere, so that its sender can match the answer."""
    try:
        found = _JUST_ID.validate_json(payload).get("id")
    except ValidationError:
        return ""
    return found if isinstance(found, str) and 0 < len(found) <= 64 and found.isascii() and found.isprintable() else ""


def _sentence(error: ValidationError) -> str:
    """The first mistake, with its place and value; how many more there are."""
    mistakes = error.errors(include_url=False)
    first = mistakes[0]
    missing = first["type"] == "missing"  # its input is the whole message
    where = ".".join(str(part) for part in first["loc"] if part not in PERMISSION) or "message"
    value = repr(first["input"])
    shown = value if len(value) <= 40 else f"{value[:37]}..."
    more = "" if len(mistakes) == 1 else f"; {len(mistakes) - 1} more"
    if missing:
        return f"{where} is missing{more}"
    return f"{where} = {shown}: {first['msg'].removeprefix('Value error, ')}{more}"
