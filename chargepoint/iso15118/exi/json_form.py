"""The JSON form of messages: dataclasses to plain dicts and back, driven by the annotations of the message modules."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from chargepoint.iso15118.exi.errors import ExiError
from chargepoint.iso15118.exi.leaf import Leaf
from chargepoint.iso15118.exi.namespaces import holder
from chargepoint.iso15118.messages.datatypes import Bounds, Content, DeclaredElement, Group, Text

CONTENT = "content"
"""Key of ordered content whose order a dict of element names would lose."""


class Shape(NamedTuple):
    """What an annotation says: the classes a value may have, and how it is written."""

    name: str
    kinds: tuple[type, ...]
    repeated: bool
    required: bool
    group: bool
    content: bool
    form: str
    low: int | None
    high: int | None


_SHAPES: dict[type[Any], tuple[Shape, ...]] = {}


def shapes(kind: type[Any]) -> tuple[Shape, ...]:
    """The fields of a message class; worked out once per class."""
    if kind not in _SHAPES:
        _SHAPES[kind] = _shapes(kind)
    return _SHAPES[kind]


def _shapes(kind: type[Any]) -> tuple[Shape, ...]:
    hints = get_type_hints(kind, include_extras=True)
    result = []
    for item in fields(kind):
        marks: list[Any] = []
        kinds: list[type] = []
        repeated = _unfold(hints[item.name], kinds, marks)
        bounds = next((m for m in marks if isinstance(m, Bounds)), Bounds(None, None))
        result.append(
            Shape(
                item.name,
                tuple(kinds),
                repeated,
                item.default is MISSING,
                any(isinstance(m, Group) for m in marks),
                any(isinstance(m, Content) for m in marks),
                next((m.form for m in marks if isinstance(m, Text)), ""),
                bounds.low,
                bounds.high,
            )
        )
    return tuple(result)


def _unfold(hint: Any, kinds: list[type], marks: list[Any]) -> bool:
    origin = get_origin(hint)
    if origin is Annotated:
        first, *rest = get_args(hint)
        marks.extend(rest)
        return _unfold(first, kinds, marks)
    if origin in (Union, UnionType):
        repeated = [_unfold(part, kinds, marks) for part in get_args(hint)]
        return any(repeated)
    if origin is tuple:
        _unfold(get_args(hint)[0], kinds, marks)
        return True
    if hint is not NoneType:
        kinds.append(hint)
    return False


def to_dict(message: Any) -> Any:
    """The value of one element. A plain string stays one."""
    if isinstance(message, str):
        return message
    result: dict[str, Any] = {}
    for shape in shapes(type(message)):
        value = getattr(message, shape.name)
        if shape.content:
            result.update(_content_to_dict(value))
        elif shape.repeated:
            for item in value:
                result.setdefault(_key(shape, item), []).append(_plain(shape.form, item))
        elif value is not None:
            result[_key(shape, value)] = _plain(shape.form, value)
    return result


def _key(shape: Shape, value: Any) -> str:
    return type(value).__name__ if shape.group else shape.name


def _plain(form: str, value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex().upper() if form == "hex" else base64.b64encode(value).decode("ascii")
    if isinstance(value, (bool, int, str)):
        return value
    return to_dict(value)


def _content_to_dict(content: tuple[Any, ...]) -> dict[str, Any]:
    # under element names where that keeps the order, as a list of single-key dicts and strings where it would not
    grouped: dict[str, list[Any]] = {}
    order = [type(item).__name__ for item in content if not isinstance(item, str)]
    for item in content:
        if not isinstance(item, str):
            grouped.setdefault(type(item).__name__, []).append(_content_plain(item))
    if len(order) == len(content) and order == [name for name, items in grouped.items() for _ in items]:
        return {name: items[0] if len(items) == 1 else items for name, items in grouped.items()}
    listed = [i if isinstance(i, str) else {type(i).__name__: _content_plain(i)} for i in content]
    return {CONTENT: listed}


def _content_plain(item: Any) -> Any:
    shape = shapes(type(item))
    return _plain(shape[0].form, item.value) if _is_wrapper(type(item)) else to_dict(item)


def _is_wrapper(kind: type) -> bool:
    shape = shapes(kind)
    return len(shape) == 1 and shape[0].name == "value"


def from_dict(kind: type, data: Any) -> Any:
    """A message object from the value of its element. Raises ExiError for names and values that do not fit."""
    if not isinstance(data, Mapping):
        raise ExiError(f"{kind.__name__}: an object expected")
    if kind is DeclaredElement:
        return _declared(data)
    values: dict[str, Any] = {}
    left = dict(data)
    for shape in shapes(kind):
        where = f"{kind.__name__}.{shape.name}"
        if shape.content:
            values[shape.name] = _content_from_dict(where, shape, left)
        elif shape.group:
            members = {k.__name__: k for k in shape.kinds}
            found = [(members[name], left.pop(name)) for name in list(left) if name in members]
            items = [(k, v) for k, value in found for v in (value if shape.repeated else [value])]
            objects = [from_dict(k, v) for k, v in items]
            if shape.repeated:
                values[shape.name] = tuple(objects)
            elif len(objects) == 1:
                values[shape.name] = objects[0]
            elif objects or shape.required:
                raise ExiError(f"{where}: one of {', '.join(members)} expected")
        elif shape.name in left:
            value = left.pop(shape.name)
            if shape.repeated:
                if not isinstance(value, list):
                    raise ExiError(f"{where}: a list expected")
                values[shape.name] = tuple(_typed(where, shape, shape.kinds[0], item) for item in value)
            else:
                values[shape.name] = _typed(where, shape, shape.kinds[0], value)
        elif shape.required:
            raise ExiError(f"{where} is missing")
    if left:
        raise ExiError(f"{kind.__name__} has no {', '.join(map(str, left))[:200]}")
    return kind(**values)


def _declared(data: Mapping[str, Any]) -> DeclaredElement:
    namespace, name = data.get("namespace"), data.get("name")
    if set(data) != {"namespace", "name", "value"} or not isinstance(namespace, str) or not isinstance(name, str):
        raise ExiError("DeclaredElement: namespace, name and value expected")
    module = holder(namespace)
    code = module.GLOBALS.get((namespace, name))
    if code in module.LEAVES:
        leaf = Leaf(*module.LEAVES[code])
        return DeclaredElement(namespace=namespace, name=name, value=leaf.from_json(data["value"]))
    if code not in module.FRAGMENT:
        raise ExiError(f"{name[:100]!r} is not an element of {namespace}")
    return DeclaredElement(namespace=namespace, name=name, value=from_dict(module.FRAGMENT[code][1], data["value"]))


def _content_from_dict(where: str, shape: Shape, left: dict[str, Any]) -> tuple[Any, ...]:
    members = {k.__name__: k for k in shape.kinds if k is not str}
    items: list[Any] = []
    listed = left.pop(CONTENT, [])
    if not isinstance(listed, list):
        raise ExiError(f"{where}: a list expected")
    for item in listed:
        if isinstance(item, str):
            items.append(item)
        elif isinstance(item, Mapping) and len(item) == 1 and next(iter(item)) in members:
            ((name, value),) = item.items()
            items.append(_content_object(members[name], value))
        else:
            raise ExiError(f"{where}: a string or one of {', '.join(members)} expected")
    for name in [n for n in left if n in members]:
        value = left.pop(name)
        items.extend(_content_object(members[name], v) for v in (value if isinstance(value, list) else [value]))
    return tuple(items)


def _content_object(kind: type, value: Any) -> Any:
    if _is_wrapper(kind):
        shape = shapes(kind)[0]
        return kind(value=_typed(kind.__name__, shape, shape.kinds[0], value))
    return from_dict(kind, value)


def _typed(where: str, shape: Shape, kind: type, value: Any) -> Any:
    if kind is bytes:
        if not isinstance(value, str):
            raise ExiError(f"{where}: text expected")
        try:
            return bytes.fromhex(value) if shape.form == "hex" else base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            raise ExiError(f"{where}: not {shape.form}") from None
    if kind is bool or kind is str:
        if not isinstance(value, kind):
            raise ExiError(f"{where}: {kind.__name__} expected")
        return value
    if kind is int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ExiError(f"{where}: a whole number expected")
        if (shape.low is not None and value < shape.low) or (shape.high is not None and value > shape.high):
            raise ExiError(f"{where} is outside {shape.low} to {shape.high}")
        return value
    if issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            raise ExiError(f"{where}: {str(value)[:80]!r} is not in {kind.__name__}") from None
    return from_dict(kind, value)
