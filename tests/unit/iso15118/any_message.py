"""Any message that the codec would take, absurd numbers preferred: for messages of every protocol."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from chargepoint.iso15118.exi.codec import ExiError, encode
from chargepoint.iso15118.messages.datatypes import Bounds, SchemaEnum


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def any_of(hint: Any, known: Mapping[type, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Any value of a message's field. `known`: the strategies of classes that are not made field by field."""
    metadata = getattr(hint, "__metadata__", ())
    bare = hint.__origin__ if metadata else hint
    if get_origin(bare) in (Union, UnionType):
        return st.one_of([any_of(arm, known) for arm in get_args(bare)])
    if get_origin(bare) is tuple:
        return st.lists(any_of(get_args(bare)[0], known), min_size=1, max_size=3).map(tuple)
    if bare is type(None):
        return st.none()
    if bare in known:
        return known[bare]
    if isinstance(bare, type) and issubclass(bare, SchemaEnum):
        return st.sampled_from(list(bare))
    if bare is bool:
        return st.booleans()
    if bare is int:
        bounds = next((m for m in metadata if isinstance(m, Bounds)), Bounds(0, 255))
        low, high = bounds.low or 0, 255 if bounds.high is None else bounds.high
        return st.sampled_from(sorted({low, high})) | st.integers(low, high)
    if bare is str:
        return st.text(max_size=12)
    if bare is bytes:
        return st.binary(max_size=8)
    return st.builds(bare, **{name: any_of(field, known) for name, field in _hints(bare).items()})


def fits(message: Any) -> bool:
    """The schema has a place for it (of alternatives one is set, say)."""
    try:
        encode(message)
    except ExiError:
        return False
    return True
