"""The reference of every key, made from the schema itself: docs/configuration.md is this text, held by a test."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from chargepoint.config.schema import Config

_HEAD = """\
# Configuration

One TOML file for both processes. An empty file is valid and runs nothing; `config/demo.toml` is a complete example.

`./run check --config FILE` reports everything it finds at once, with file, line, value, bound and remedy. It looks at the files the configuration
names, at the drivers and at the network interfaces of this computer. A mistake prevents the start (exit 78). A warning marks a value that is
allowed and hardly meant (exit 0).

This page is made from the schema (`chargepoint/config/schema.py`) and the drivers by `./run reference`. A key that is not listed here is refused.
"""
_BOUNDS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"), ("min_length", "at least"), ("max_length", "at most"))


def markdown() -> str:
    """The whole page."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for name, field in Config.model_fields.items():
        annotation, title = field.annotation, name
        if get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
            title = f"{name}.{'N' if name == 'evse' else 'NAME'}"
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        promise = (annotation.__doc__ or "").partition(": ")[2].strip().split("\n")[0]
        yield f"\n## [{title}]\n\n{promise[:1].upper()}{promise[1:]}\n\n| key | kind | default | meaning |\n|---|---|---|---|\n"
        for key, item in annotation.model_fields.items():
            yield f"| `{key}` | {_kind(item.annotation)}{_bounds(item)} | {_default(item)} | {item.description or ''} |\n"


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(a) for a in arguments if a is not type(None))
    if origin is tuple:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "table"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(field: FieldInfo) -> str:
    found = []
    for constraint in field.metadata:
        for attribute, word in _BOUNDS:
            value = getattr(constraint, attribute, None)
            if value is not None:
                unit = " long" if attribute.endswith("length") else ""
                found.append(f"{word} {value:g}{unit}")
    return f", {', '.join(found)}" if found else ""


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined
    if value is PydanticUndefined:
        return "**required**"
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return f"`{value}`" if value not in ("", {}) else "empty"
