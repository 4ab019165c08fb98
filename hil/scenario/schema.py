"""The JSON schema of scenario files, for editors: `python -m hil.scenario.schema > docs/scenario.schema.json`.

Made from the models of `written` and from the words of the bench. It is a little wider than the reader: ids, near misses
and limits of variables are judged by `./run hil check` alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from hil.record.line import Seer
from hil.record.signals import BenchSignal, SignalType
from hil.scenario.bench_words import BenchWords, words_of_bench
from hil.scenario.condition_reading import ANY, MESSAGE
from hil.scenario.operators import OPERATORS_OF, WrittenOperators
from hil.scenario.written import STEP_KINDS, WrittenMessage, WrittenScenario, WrittenSpan, WrittenStatistic
from hil.words import Argument, ArgumentType, Word

Schema = dict[str, Any]

VARIABLE: Schema = {"type": "string", "pattern": r"^\$(\w+|\{\w+\})$", "description": "a variable of this scenario"}
_A_VARIABLE: Schema = {"$ref": "#/$defs/variable"}
_REPLACEABLE = ("number", "integer", "boolean", "array", "object")
_TYPES = {
    ArgumentType.NUMBER: "number",
    ArgumentType.INTEGER: "integer",
    ArgumentType.TEXT: "string",
    ArgumentType.FLAG: "boolean",
    ArgumentType.OBJECT: "object",
    ArgumentType.LIST: "array",
}


def scenario_schema(words: BenchWords) -> str:
    """JSON text, ending with a line feed."""
    definitions: Schema = {
        **{f"{type.value}_test": _operators(BenchSignal("", Seer.BENCH, type, "")) for type in SignalType},
        "condition": _condition(words.signals.values()),
        "message": _of(WrittenMessage) | {"description": "a message on a wire"},
        "moment": _moment(words),
        "statistic": _of(WrittenStatistic),
        "span": _of(WrittenSpan),
        "field": _operators(None),
    }
    definitions["message"]["properties"]["has"] = _fields("places in the message, with dots between, to values")
    definitions["statistic"]["properties"]["signal"] = {
        "enum": [signal.name for signal in words.signals.values() if signal.type is SignalType.NUMBER]
    }
    kinds = {kind: _step(kind, model, words, definitions) for kind, model in STEP_KINDS.items()}
    for kind, schema in kinds.items():
        definitions[f"step_{kind}"] = schema
    definitions["step"] = {"anyOf": [{"$ref": f"#/$defs/step_{kind}"} for kind in kinds]}
    root = _of(WrittenScenario)
    if words.needs is not None:
        root["properties"]["bench"] = _of(words.needs) | {"description": "what the scenario needs of the bench"}
    root["properties"]["steps"] = _list_of_steps()
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = "A scenario of the bench"
    as_written = {key: root["properties"].pop(key) for key in ("name", "tags", "variables", "matrix")}
    root["properties"] = as_written | _with_variables(root["properties"])
    root["$defs"] = {**_with_variables(definitions), "variable": VARIABLE}
    return json.dumps(root, indent=1, ensure_ascii=False) + "\n"


def _of(model: type[BaseModel]) -> Schema:
    """The schema of one model without titles and without null, which no scenario writes."""
    schema: Schema = _plain(model.model_json_schema())
    schema.pop("title", None)
    schema.setdefault("additionalProperties", False)
    return schema


def _plain(node: Any) -> Any:
    if isinstance(node, list):
        return [_plain(each) for each in node if each != {"type": "null"}]
    if not isinstance(node, dict):
        return node
    found = {
        key: {name: _plain(inner) for name, inner in value.items()} if key == "properties" else _plain(value)
        for key, value in node.items()
        if key != "title" and not (key == "default" and value in (None, "", [], {}))
    }
    if len(found.get("anyOf", ())) == 1:
        found |= found.pop("anyOf")[0]
    return found


def _list_of_steps() -> Schema:
    return {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}


def _step(kind: str, model: type[BaseModel], words: BenchWords, definitions: Schema) -> Schema:
    schema = _of(model) | {"description": (model.__doc__ or "").strip()}
    properties = schema["properties"]
    if kind in ("do", "inject", "heal"):
        known = words.verbs if kind == "do" else words.faults
        names: list[Schema] = [{"const": word.name, "description": word.meaning} for word in known.values()]
        properties[kind] = {"anyOf": [*names, VARIABLE]}
        schema["allOf"] = list(_with_arguments(kind, known, definitions))
    if "answer" in properties:
        properties["answer"] = _fields("what the verb's answer must hold")
    if kind in ("expect", "never"):
        properties[kind] = {"$ref": "#/$defs/condition"}
    if kind == "measure":
        properties |= {name: {"$ref": "#/$defs/moment"} for name in ("from", "to")}
        properties["of"] = {"$ref": "#/$defs/statistic"}
        properties["over"] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/span"}]}
        properties["limit"] = {"$ref": "#/$defs/number_test"}
    if "steps" in properties:
        properties["steps"] = _list_of_steps()
    return schema


def _with_arguments(kind: str, known: Mapping[str, Word], definitions: Schema) -> Iterable[Schema]:
    """If the word is this one, `with` holds its arguments. Words with the same arguments share one definition."""
    names: dict[str, list[str]] = {}
    for word in known.values():
        arguments: Schema = {
            "type": "object",
            "properties": {argument.name: _argument(argument) for argument in word.arguments},
            "additionalProperties": word.open_arguments,
        }
        required = [argument.name for argument in word.arguments if argument.required and kind != "heal"]
        if required:
            arguments["required"] = required
        names.setdefault(json.dumps([arguments, bool(required)]), []).append(word.name)
    for number, (text, same) in enumerate(names.items(), start=1):
        arguments, is_required = json.loads(text)
        definitions[f"with_{kind}_{number}"] = arguments
        then: Schema = {"properties": {"with": {"$ref": f"#/$defs/with_{kind}_{number}"}}}
        if is_required:
            then["required"] = ["with"]
        yield {"if": {"properties": {kind: {"enum": same}}, "required": [kind]}, "then": then}


def _argument(argument: Argument) -> Schema:
    schema: Schema = {"type": _TYPES[argument.type]}
    if argument.choices:
        schema = {"enum": list(argument.choices)}
    schema["description"] = argument.meaning + (f" ({argument.unit})" if argument.unit else "")
    for key, bound in (("minimum", argument.least), ("maximum", argument.most), ("default", argument.default)):
        if bound is not None:
            schema[key] = bound
    return schema


def _condition(signals: Iterable[BenchSignal]) -> Schema:
    properties: Schema = {
        ANY: {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/condition"}, "description": "one of these"},
        MESSAGE: {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/message"}]},
    }
    properties |= {signal.name: _signal(signal) for signal in signals}
    return {"type": "object", "minProperties": 1, "properties": properties, "additionalProperties": False}


def _signal(signal: BenchSignal) -> Schema:
    """A signal with few words has its own test; the others share that of their type."""
    test = _operators(signal) if signal.words else {"$ref": f"#/$defs/{signal.type.value}_test"}
    return test | {"description": signal.meaning + (f" ({signal.unit})" if signal.unit else "")}


def _fields(description: str) -> Schema:
    return {"type": "object", "additionalProperties": {"$ref": "#/$defs/field"}, "description": description}


def _operators(signal: BenchSignal | None) -> Schema:
    """A value of the signal's type, or a mapping of the operators that fit it."""
    value = _value(signal)
    operators = _of(WrittenOperators)["properties"]
    inner: Schema = {}
    for name in OPERATORS_OF[signal.type if signal else None]:
        inner[name] = operators[name]
        if name in ("has", "lacks") and signal is not None and signal.words:
            word: Schema = {"enum": list(signal.words)}
            listed = {"anyOf": [word, {"type": "array", "items": word}]}
            inner[name] = listed | {"description": operators[name]["description"]}
        elif name == "not":
            inner[name] = {"description": operators[name]["description"]}
        elif name == "one_of":
            inner[name] = {"type": "array", "minItems": 1, "items": value}
    mapping = {"type": "object", "minProperties": 1, "properties": inner, "additionalProperties": False}
    return {"anyOf": [value, mapping]}


def _value(signal: BenchSignal | None) -> Schema:
    if signal is None:
        return {"type": ["number", "string", "boolean", "array"]}
    match signal.type:
        case SignalType.NUMBER:
            return {"type": "number"}
        case SignalType.FLAG:
            return {"type": "boolean"}
        case SignalType.WORDS:
            word = {"enum": list(signal.words)} if signal.words else {"type": "string"}
            return {"type": "array", "items": word}
        case SignalType.WORD:
            return {"enum": list(signal.words)} if signal.words else {"type": "string"}


def _moment(words: BenchWords) -> Schema:
    def of(key: str, known: Iterable[str] | None) -> Schema:
        name: Schema = {"type": "string"} if known is None else {"enum": list(known)}
        return {"type": "object", "properties": {key: name}, "required": [key], "additionalProperties": False}

    return {
        "anyOf": [
            of("fault", words.faults),
            of("heal", words.faults),
            of("do", words.verbs),
            of("step", None),
            {"$ref": "#/$defs/condition"},
        ]
    }


def _with_variables(node: Any, *, names: bool = True) -> Any:
    """Wherever a value of a fixed type stands, a variable may stand instead. `names`: the keys are names, no keywords."""
    if isinstance(node, list):
        return [_with_variables(each, names=False) for each in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: value
        if key in ("required", "enum", "default", "if")
        else _with_variables(value, names=key == "properties")
        for key, value in node.items()
    }
    replaceable = node.get("type") in _REPLACEABLE and not (node.get("type") == "object" and "properties" in node)
    if not names and (replaceable or "enum" in node):
        description = {"description": found.pop("description")} if "description" in found else {}
        return {**description, "anyOf": [found, _A_VARIABLE]}
    return found


if __name__ == "__main__":
    sys.stdout.write(scenario_schema(words_of_bench()))
