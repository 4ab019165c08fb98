"""Schemas: whether a payload fits the schema of its OCPP version. Owns the compiled validators, made when first needed.

The schema documents are those of the `ocpp` package; the checking is jsonschema-rs (docs/sources/ocpp.md 5.1).
"""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from chargepoint.ocpp.timestamps import is_date_time, is_date_time_of_answer
from chargepoint.ocpp.version import OcppVersion

Payload = dict[str, Any]

# Part 4, 4.3 table 8: which error code says what. Earlier in this order wins where several are true.
_RANKED = ("FormatViolation", "OccurrenceConstraintViolation", "TypeConstraintViolation", "PropertyConstraintViolation")
_CODES = {
    "additionalProperties": "FormatViolation",
    "required": "OccurrenceConstraintViolation",
    "minItems": "OccurrenceConstraintViolation",
    "maxItems": "OccurrenceConstraintViolation",
    "type": "TypeConstraintViolation",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a payload is refused: the RPC error code and a sentence of at most 255 characters."""

    code: str
    text: str


class Schemas:
    """Validators of one version."""

    def __init__(self, version: OcppVersion) -> None:
        # not files("ocpp.v201"): that would import the library's own message classes, which nothing here uses
        package, _, folder = version.schema_package.partition(".")
        self._root = importlib.resources.files(package) / folder / "schemas"
        self._compiled: dict[tuple[str, bool], jsonschema_rs.Validator] = {}

    def check_request(self, action: str, payload: object) -> Violation | None:
        """None if the payload is a valid request of this action."""
        return self._check(f"{action}Request", payload)

    def check_response(self, action: str, payload: object) -> Violation | None:
        """None if the payload is a valid response to this action."""
        return self._check(f"{action}Response", payload)

    def check_answer(self, action: str, payload: object) -> Violation | None:
        """None if a peer's response can be used: fields the version does not know are no harm, nor is a time without zone."""
        return self._check(f"{action}Response", payload, lenient=True)

    def check_unconfirmed(self, action: str, payload: object) -> Violation | None:
        """None if the payload is a valid message of this action, which has no answer."""
        return self._check(action, payload)

    def _check(self, name: str, payload: object, lenient: bool = False) -> Violation | None:
        if not isinstance(payload, dict):
            return Violation("FormatViolation", f"{name}: the payload is not a JSON object")
        validator = self._validator(name, lenient)
        try:
            if validator.is_valid(payload):
                return None
            errors = [
                (_CODES.get(str(error.kind.name), "PropertyConstraintViolation"), error)
                for error in validator.iter_errors(payload)
                if not (lenient and error.kind.name == "additionalProperties")
            ]
        except ValueError as error:  # something JSON can say and the validator cannot hold
            return Violation("FormatViolation", f"{name}: {error}"[:255])
        if not errors:
            return None
        code, first = min(errors, key=lambda e: _RANKED.index(e[0]))
        where = "/".join(str(step) for step in first.instance_path) or "payload"
        return Violation(code, f"{where}: {first.message}"[:255])

    def _validator(self, name: str, lenient: bool) -> jsonschema_rs.Validator:
        validator = self._compiled.get((name, lenient))
        if validator is None:
            document = json.loads((self._root / f"{name}.json").read_text("utf-8-sig"))
            validator = jsonschema_rs.validator_for(
                document,
                validate_formats=True,
                formats={"date-time": is_date_time_of_answer if lenient else is_date_time},
            )
            self._compiled[name, lenient] = validator
        return validator
