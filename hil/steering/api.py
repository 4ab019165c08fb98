"""The OpenAPI description of the bench over HTTP, made from the words: `python -m hil.steering.api > docs/bench-api.json`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from hil.faults.catalogue import FAULT_WORDS
from hil.record.line import LineKind, Seer
from hil.record.signals import SIGNALS
from hil.steering.words import DOOR_WORDS, EVSE
from hil.words import Argument, ArgumentType, Word

_TYPES = {
    ArgumentType.NUMBER: "number",
    ArgumentType.INTEGER: "integer",
    ArgumentType.TEXT: "string",
    ArgumentType.FLAG: "boolean",
    ArgumentType.OBJECT: "object",
    ArgumentType.LIST: "array",
}
_ONLY_ON_SOCKET = ("subscribe", "unsubscribe")
_CAUSES = ("inject", "heal")


def bench_api() -> str:
    """JSON, ending with a line feed."""
    return json.dumps(_document(), indent=1, ensure_ascii=False) + "\n"


def _document() -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bench of the charge-point controller",
            "version": "1",
            "description": "What docs/steering.md describes, over HTTP. Positive power flows into the car. Every verb takes evse.",
        },
        "servers": [{"url": "http://127.0.0.1:8765"}],
        "security": [{}, {"token": []}],
        "paths": dict(_paths()),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Refused": _answer("the bench, the plant or the station refused it, in their own words", "Refusal"),
                "Unreadable": _answer("no JSON object, or not of the type application/json", "Refusal"),
                "Foreign": _answer("wrong Host or Origin header", "Refusal"),
                "NoToken": _answer("the bearer token is missing or wrong", "Refusal"),
                "TooLarge": _answer("the body is larger than 1 MiB", "Refusal"),
            },
            "schemas": {
                "Answer": {
                    "type": "object",
                    "required": ["ok"],
                    "properties": {"ok": {"const": True}, "id": {"type": ["string", "integer"]}},
                    "description": "What else is in it depends on the verb.",
                },
                "Refusal": {
                    "type": "object",
                    "required": ["ok", "error"],
                    "properties": {
                        "ok": {"const": False},
                        "error": {"type": "string", "description": "what, the value, its bound, and what to do"},
                        "id": {"type": ["string", "integer"]},
                        "expired": {"const": True, "description": "a wait came to its end"},
                        "seen": {"type": "object", "description": "of a wait: values at its deadline"},
                        "left": {"type": "array", "items": {"type": "string"}, "description": "of a reset to idle"},
                    },
                },
                "Request": {"oneOf": [_request(word) for word in _over_http()]},
                "Line": _line(),
            },
        },
    }


def _paths() -> Iterator[tuple[str, Any]]:
    yield "/do", {"post": _post("do", "One request of any verb", {"$ref": "#/components/schemas/Request"}, True)}
    for word in _over_http():
        schema = _fields(word)
        yield f"/do/{word.name}", {"post": _post(word.name, word.meaning, schema, bool(schema.get("required")))}
    yield "/state", {"get": _get("state", "As the verb state", [_query("evse", "integer")])}
    filters = [
        _query("after", "integer"),
        _query("evse", "integer"),
        _query("kinds", "string"),
        _query("names", "string"),
    ]
    yield (
        "/record",
        {"get": _get("record", "As the verb record; lists with commas", [*filters, _query("limit", "integer")])},
    )
    events = _get("events", "New lines of the record as server-sent events, until the client goes", filters)
    events["responses"]["200"] = {
        "description": "Each event has the line as data, its number as id and its kind as name. Last-Event-ID goes on behind it.",
        "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/Line"}}},
    }
    yield "/events", {"get": events}
    yield "/schema", {"get": _get("schema", "This description", [])}
    yield "/", {"get": {**_get("page", "A page with the verbs and the state", []), "responses": {"200": _html()}}}


def _over_http() -> list[Word]:
    return [word for word in DOOR_WORDS.values() if word.name not in _ONLY_ON_SOCKET]


def _fields(word: Word, **fixed: Any) -> dict[str, Any]:
    arguments = {argument.name: _schema(argument) for argument in (*word.arguments, EVSE)}
    if word.name in _CAUSES:
        arguments["fault"]["enum"] = [fault.name for fault in FAULT_WORDS if not fault.virtual_only]
    required = [*fixed, *(argument.name for argument in word.arguments if argument.required)]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {**fixed, **arguments, "id": {"type": ["string", "integer"]}},
    }
    if required:
        schema["required"] = required
    schema["additionalProperties"] = word.open_arguments
    return schema


def _request(word: Word) -> dict[str, Any]:
    return {"title": word.name, **_fields(word, do={"const": word.name})}


def _schema(argument: Argument) -> dict[str, Any]:
    meaning = argument.meaning + (f" ({argument.unit})" if argument.unit else "")
    schema: dict[str, Any] = {"type": _TYPES[argument.type], "description": meaning}
    if argument.default is not None:
        schema["default"] = argument.default
    if argument.least is not None:
        schema["minimum"] = argument.least
    if argument.most is not None:
        schema["maximum"] = argument.most
    if argument.choices:
        schema["enum"] = list(argument.choices)
    return schema


def _line() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["kind", "name"],
        "properties": {
            "number": {"type": "integer", "description": "of the line, counted from 1; an event of kind lost has none"},
            "at_s": {"type": "number", "description": "seconds since the record began, on the bench's clock"},
            "evse": {"type": "integer", "description": "0: the whole station"},
            "source": {"enum": [seer.value for seer in Seer]},
            "kind": {"enum": [*(kind.value for kind in LineKind), "lost"]},
            "name": {"type": "string", "description": f"of a signal ({', '.join(SIGNALS)}), message, verb or fault"},
            "value": {},
            "text": {"type": "string"},
        },
    }


def _post(name: str, summary: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    return {
        "operationId": name if name != "do" else "request",
        "summary": summary,
        "requestBody": {"required": required, "content": {"application/json": {"schema": schema}}},
        "responses": _responses("400", "401", "403", "409", "413"),
    }


def _get(name: str, summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"get_{name}",
        "summary": summary,
        "responses": _responses("401", "403", "409"),
    }
    if parameters:
        operation["parameters"] = parameters
    return operation


def _responses(*codes: str) -> dict[str, Any]:
    names = {"400": "Unreadable", "401": "NoToken", "403": "Foreign", "409": "Refused", "413": "TooLarge"}
    refusals = {code: {"$ref": f"#/components/responses/{names[code]}"} for code in codes}
    return {"200": _answer("it was done", "Answer"), **refusals}


def _answer(description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _html() -> dict[str, Any]:
    return {"description": "the page", "content": {"text/html": {}}}


def _query(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": kind}}


if __name__ == "__main__":
    sys.stdout.write(bench_api())
