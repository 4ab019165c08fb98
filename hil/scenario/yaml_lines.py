"""YAML 1.2 as plain values, with the line of each key and each item of a list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from hil.record.line import Json
from hil.scenario.mistakes import KeyPath

VALUES_MAX = 100_000
"""Aliases of aliases can make a small file endless."""
DEPTH_MAX = 50


class BrokenYaml(ValueError):
    """The text is no YAML that can be used; `line` is where."""

    def __init__(self, line: int, problem: str, remedy: str) -> None:
        self.line, self.problem, self.remedy = line, problem, remedy
        super().__init__(f"line {line}: {problem}; {remedy}")


@dataclass(slots=True)
class YamlLines:
    """The values of one document, and the lines on which they stand, counted from 1."""

    value: Json = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    _count: int = 0

    def keep(self, node: Any, path: KeyPath, line: int) -> Json:
        """The node as a plain value. Raises BrokenYaml."""
        self.lines[path] = line
        self._count += 1
        if self._count > VALUES_MAX or len(path) > DEPTH_MAX:
            raise BrokenYaml(line, f"more than {VALUES_MAX} values, or {DEPTH_MAX} levels", "remove some aliases")
        if isinstance(node, CommentedMap):
            return {
                str(key): self.keep(value, (*path, str(key)), _line_of_key(node, key, line))
                for key, value in node.items()
            }
        if isinstance(node, CommentedSeq):
            return [
                self.keep(item, (*path, place), _line_of_item(node, place, line)) for place, item in enumerate(node)
            ]
        return _plain(node)


def read_yaml(text: str) -> YamlLines:
    """The one document of the text. Raises BrokenYaml: syntax, a key that stands twice, endless aliases."""
    reader = YAML(typ="rt", pure=True)
    try:
        root = reader.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(str(part) for part in (error.problem, error.context) if part)
        raise BrokenYaml(
            mark.line + 1 if mark else 1, f"not YAML: {problem}", "correct the syntax here or above"
        ) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise BrokenYaml(1, f"not YAML: {error}", "correct the syntax") from None
    kept = YamlLines()
    kept.value = kept.keep(root, (), 1)
    return kept


def _line_of_key(node: CommentedMap, key: object, line: int) -> int:
    place = node.lc.data.get(key) if node.lc.data else None
    return int(place[0]) + 1 if place else line


def _line_of_item(node: CommentedSeq, place: int, line: int) -> int:
    """The reader knows no place of an item with a tag."""
    found = (node.lc.data or {}).get(place)
    return int(found[0]) + 1 if found else line


def _plain(node: Any) -> Json:
    """A scalar without what the reader keeps of its spelling."""
    if node is None or isinstance(node, bool):
        return node
    if type(node).__name__ == "ScalarBoolean":  # a flag with an anchor
        return bool(node)
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    return str(node)
