"""The XML SchemaFolder as a model: elements, complex types with flattened content, simple types as EXI datatypes.

Reads exactly the part of XML Schema 1.0 that the ISO 15118, DIN 70121 and xmldsig schemas use and refuses the rest
loudly, so that a new schema edition cannot be misread silently.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

XS = "http://www.w3.org/2001/XMLSchema"
UNBOUNDED = 1 << 31

QName = tuple[str, str]
"""(namespace, local name)"""

_INTEGERS: dict[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "long": (-(1 << 63), (1 << 63) - 1),
    "int": (-(1 << 31), (1 << 31) - 1),
    "short": (-(1 << 15), (1 << 15) - 1),
    "byte": (-128, 127),
    "unsignedLong": (0, (1 << 64) - 1),
    "unsignedInt": (0, (1 << 32) - 1),
    "unsignedShort": (0, (1 << 16) - 1),
    "unsignedByte": (0, 255),
}
_STRINGS = {"string", "anyURI", "ID", "IDREF"}


@dataclass(frozen=True)
class SimpleType:
    """A simple type as EXI sees it (EXI 1.0, clause 7.1): the base datatype and the facets that shape its bits."""

    name: str
    base: str
    """boolean, string, integer, hexBinary or base64Binary"""
    low: int | None = None
    high: int | None = None
    values: tuple[str, ...] = ()
    min_length: int | None = None
    max_length: int | None = None
    owner: QName = ("", "")


@dataclass
class Element:
    """An element declaration, global or local."""

    qname: QName
    type_ref: QName | SimpleType | ComplexType
    abstract: bool = False
    head: QName | None = None


@dataclass
class Particle:
    """One node of a content model: an element, a wildcard, or a sequence/choice of particles."""

    kind: str
    """element, any, sequence or choice"""
    low: int = 1
    high: int = 1
    element: Element | None = None
    ref: QName | None = None
    children: list[Particle] = field(default_factory=list)


@dataclass
class Attribute:
    """An attribute use of a complex type."""

    name: str
    namespace: str
    type: SimpleType
    required: bool


@dataclass
class ComplexType:
    """A complex type with the content of its bases already in front of its own (EXI 1.0, 8.5.4.1.3)."""

    qname: QName
    anonymous: bool = False
    abstract: bool = False
    mixed: bool = False
    attributes: list[Attribute] = field(default_factory=list)
    content: Particle | None = None
    text: SimpleType | None = None


class SchemaFolder:
    """Every schema of a folder, indexed by target namespace; locations are ignored, namespaces decide."""

    def __init__(self, folder: Path) -> None:
        self.roots: dict[str, ElementTree.Element] = {}
        self.prefixes: dict[str, dict[str, str]] = {}
        self.imports: dict[str, list[str]] = {}
        self.elements: dict[QName, Element] = {}
        self.types: dict[QName, ComplexType] = {}
        self.simple: dict[QName, SimpleType] = {}
        self.locals: dict[str, list[Element]] = {}
        self._pending: dict[QName, tuple[str, ElementTree.Element]] = {}
        for path in sorted(folder.rglob("*.xsd")):
            self._load(path)
        for namespace, root in self.roots.items():
            for node in root:
                name = node.get("name")
                if name and node.tag in (f"{{{XS}}}complexType", f"{{{XS}}}simpleType"):
                    self._pending[(namespace, name)] = (namespace, node)
        for namespace, root in self.roots.items():
            for node in list(root):
                tag = _tag(node)
                if tag == "element":
                    element = self._element(namespace, node, top=True)
                    self.elements[element.qname] = element
                elif tag in ("complexType", "simpleType"):
                    self._named(namespace, (namespace, str(node.get("name"))))
                elif tag not in ("import", "annotation"):
                    raise NotImplementedError(f"{namespace}: top-level {tag}")

    def _load(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8-sig")
        # the xmldsig schema carries a DOCTYPE with an internal subset; ElementTree neither needs nor wants it
        text = re.sub(r"<!DOCTYPE[^\[>]*(\[.*?\])?\s*>", "", text, flags=re.DOTALL)
        text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
        root = ElementTree.fromstring(text)  # noqa: S314  schemas the developer chose, not a peer's bytes
        namespace = root.get("targetNamespace", "")
        if namespace in self.roots:
            raise ValueError(f"{path}: second schema for {namespace}")
        self.roots[namespace] = root
        self.locals[namespace] = []
        found = re.findall(r'xmlns(?::(\w+))?\s*=\s*"([^"]*)"', text)
        self.prefixes[namespace] = dict(found)
        self.imports[namespace] = [str(n.get("namespace")) for n in root if _tag(n) == "import"]

    def closure(self, namespace: str) -> list[str]:
        """The namespaces of a schema set: this one and all it imports, directly or not."""
        seen: list[str] = []
        todo = [namespace]
        while todo:
            current = todo.pop(0)
            if current not in seen:
                seen.append(current)
                todo.extend(self.imports[current])
        return seen

    def names_in(self, namespace: str) -> dict[str, set[str]]:
        """Names of all elements, attributes and types of one schema, by the namespace they belong to."""
        found: dict[str, set[str]] = {namespace: {name for space, name in self._pending if space == namespace}}
        for element in self.locals[namespace]:
            found.setdefault(element.qname[0], set()).add(element.qname[1])
        found[namespace].update(name for space, name in self.elements if space == namespace)
        for (space, _), declared in self.types.items():
            if space == namespace:
                for attribute in declared.attributes:
                    found.setdefault(attribute.namespace, set()).add(attribute.name)
        return found

    def resolve(self, element: Element) -> SimpleType | ComplexType:
        """The type of an element."""
        ref = element.type_ref
        return self._named("", ref) if isinstance(ref, tuple) else ref

    def _qname(self, namespace: str, text: str) -> QName:
        prefix, _, local = text.rpartition(":")
        return (self.prefixes[namespace].get(prefix, namespace if not prefix else ""), local)

    def _named(self, namespace: str, qname: QName) -> SimpleType | ComplexType:
        if qname[0] == XS:
            return _builtin(qname[1])
        if qname in self.simple:
            return self.simple[qname]
        if qname in self.types:
            return self.types[qname]
        owner, node = self._pending[qname]
        if _tag(node) == "simpleType":
            self.simple[qname] = self._simple(owner, node, qname)
            return self.simple[qname]
        result = ComplexType(qname)
        self.types[qname] = result
        self._complex(owner, node, result)
        return result

    def _simple(self, namespace: str, node: ElementTree.Element, qname: QName) -> SimpleType:
        (restriction,) = [n for n in node if _tag(n) != "annotation"]
        if _tag(restriction) != "restriction":
            raise NotImplementedError(f"{qname}: {_tag(restriction)}")
        base = self._named(namespace, self._qname(namespace, str(restriction.get("base"))))
        if not isinstance(base, SimpleType):
            raise NotImplementedError(f"{qname}: restriction of a complex type")
        low, high = base.low, base.high
        min_length, max_length = base.min_length, base.max_length
        values: list[str] = []
        for facet in restriction:
            value = str(facet.get("value"))
            match _tag(facet):
                case "enumeration":
                    values.append(value)
                case "minInclusive":
                    low = int(value)
                case "maxInclusive":
                    high = int(value)
                case "minLength":
                    min_length = int(value)
                case "maxLength":
                    max_length = int(value)
                case "length":
                    min_length = max_length = int(value)
                case "annotation" | "whiteSpace":
                    pass
                case other:
                    raise NotImplementedError(f"{qname}: facet {other}")
        return SimpleType(qname[1], base.base, low, high, tuple(values) or base.values, min_length, max_length, qname)

    def _complex(self, namespace: str, node: ElementTree.Element, result: ComplexType) -> None:
        result.abstract = node.get("abstract") == "true"
        result.mixed = node.get("mixed") == "true"
        for child in node:
            match _tag(child):
                case "sequence" | "choice":
                    result.content = self._particle(namespace, child)
                case "attribute":
                    result.attributes.append(self._attribute(namespace, child))
                case "complexContent" | "simpleContent":
                    self._extension(namespace, child, result)
                case "annotation":
                    pass
                case other:
                    raise NotImplementedError(f"{result.qname}: {other}")

    def _extension(self, namespace: str, node: ElementTree.Element, result: ComplexType) -> None:
        (extension,) = list(node)
        if _tag(extension) != "extension":
            raise NotImplementedError(f"{result.qname}: {_tag(extension)}")
        base = self._named(namespace, self._qname(namespace, str(extension.get("base"))))
        parts: list[Particle] = []
        if isinstance(base, SimpleType):
            result.text = base
        else:
            result.attributes.extend(base.attributes)
            result.text = base.text
            result.mixed = result.mixed or base.mixed
            if base.content:
                parts.append(base.content)
        for child in extension:
            match _tag(child):
                case "sequence" | "choice":
                    parts.append(self._particle(namespace, child))
                case "attribute":
                    result.attributes.append(self._attribute(namespace, child))
                case other:
                    raise NotImplementedError(f"{result.qname}: {other}")
        if parts:
            result.content = parts[0] if len(parts) == 1 else Particle("sequence", children=parts)

    def _attribute(self, namespace: str, node: ElementTree.Element) -> Attribute:
        declared = self._named(namespace, self._qname(namespace, str(node.get("type"))))
        if not isinstance(declared, SimpleType):
            raise NotImplementedError("attribute with a complex type")
        qualified = self.roots[namespace].get("attributeFormDefault") == "qualified"
        return Attribute(
            str(node.get("name")), namespace if qualified else "", declared, node.get("use", "optional") == "required"
        )

    def _particle(self, namespace: str, node: ElementTree.Element) -> Particle:
        high_text = node.get("maxOccurs", "1")
        low, high = int(node.get("minOccurs", "1")), UNBOUNDED if high_text == "unbounded" else int(high_text)
        match _tag(node):
            case "sequence" | "choice" as kind:
                children = [self._particle(namespace, n) for n in node if _tag(n) != "annotation"]
                return Particle(kind, low, high, children=children)
            case "any":
                return Particle("any", low, high)
            case "element" if node.get("ref"):
                return Particle("element", low, high, ref=self._qname(namespace, str(node.get("ref"))))
            case "element":
                return Particle("element", low, high, element=self._element(namespace, node, top=False))
            case other:
                raise NotImplementedError(f"particle {other}")

    def _element(self, namespace: str, node: ElementTree.Element, top: bool) -> Element:
        qualified = top or self.roots[namespace].get("elementFormDefault") == "qualified"
        qname = (namespace if qualified else "", str(node.get("name")))
        declared = node.get("type")
        ref: QName | SimpleType | ComplexType
        if declared:
            ref = self._qname(namespace, declared)
        else:
            (inline,) = [n for n in node if _tag(n) in ("complexType", "simpleType")]
            if _tag(inline) == "simpleType":
                owner = (namespace, f"{node.get('name')}Type")
                if owner in self.simple or owner in self._pending:
                    raise NotImplementedError(f"{owner}: a name of its own is needed")
                ref = self.simple[owner] = self._simple(namespace, inline, owner)
            else:
                ref = ComplexType((namespace, str(node.get("name"))), anonymous=True)
                self.types[(namespace, "element " + str(node.get("name")))] = ref
                self._complex(namespace, inline, ref)
        head = node.get("substitutionGroup")
        element = Element(qname, ref, node.get("abstract") == "true", self._qname(namespace, head) if head else None)
        if not top:
            self.locals[namespace].append(element)
        return element


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _builtin(name: str) -> SimpleType:
    if name in _INTEGERS:
        low, high = _INTEGERS[name]
        return SimpleType(name, "integer", low, high)
    if name in _STRINGS:
        return SimpleType(name, "string")
    if name in ("boolean", "hexBinary", "base64Binary"):
        return SimpleType(name, name)
    raise NotImplementedError(f"xs:{name}")


def walk(particle: Particle | None) -> Iterator[Particle]:
    """Every particle of a content model, parents first."""
    if particle is not None:
        yield particle
        for child in particle.children:
            yield from walk(child)
