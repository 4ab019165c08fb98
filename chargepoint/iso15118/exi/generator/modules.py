"""Which namespaces become which Python modules, and how types are named there."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field

from chargepoint.iso15118.exi.generator.grammar import Irregular, Regular, SchemaSet
from chargepoint.iso15118.exi.generator.xsd import ComplexType, QName, SchemaFolder, SimpleType

_COMMON = "urn:iso:std:iso:15118:-20:"

MODULES: dict[str, tuple[str, ...]] = {
    "app_protocol": ("urn:iso:15118:2:2010:AppProtocol",),
    "xmldsig": ("http://www.w3.org/2000/09/xmldsig#",),
    "common_types": (_COMMON + "CommonTypes",),
    "common_messages": (_COMMON + "CommonMessages",),
    "dc": (_COMMON + "DC",),
    "ac": (_COMMON + "AC",),
    "acdp": (_COMMON + "ACDP",),
    "wpt": (_COMMON + "WPT",),
    "iso15118_2": tuple(f"urn:iso:15118:2:2013:Msg{part}" for part in ("Def", "Header", "Body", "DataTypes")),
    "din70121": tuple(f"urn:din:70121:2012:Msg{part}" for part in ("Def", "Header", "Body", "DataTypes")),
}
"""Module name -> target namespaces; the first one names the schema set."""

SENT_UNTYPED: tuple[QName, ...] = (("urn:din:70121:2012:MsgDataTypes", "SASchedulesType"),)
"""Abstract types whose own element is on the wire all the same. Stations of DIN send an empty SASchedules while they answer Ongoing:
the element is not abstract, its type is, and the event code exists. Such a type gets a class."""


@dataclass
class Class:
    """A dataclass to generate: its name, its type, its grammar."""

    name: str
    module: str
    type: ComplexType
    shape: Regular | Irregular


@dataclass
class Module:
    """What goes into one generated module."""

    name: str
    namespaces: tuple[str, ...]
    schema_set: SchemaSet
    classes: list[Class] = field(default_factory=list)
    wrappers: dict[str, SimpleType] = field(default_factory=dict)
    """dataclasses for simple elements inside ordered content, by element name"""
    enums: dict[str, SimpleType] = field(default_factory=dict)
    aliases: dict[str, SimpleType] = field(default_factory=dict)


class Library:
    """All modules, and the names of every type in them."""

    def __init__(self, schemas: SchemaFolder) -> None:
        self.schemas = schemas
        for untyped in SENT_UNTYPED:
            if untyped in schemas.types:
                schemas.types[untyped].abstract = False
        self.modules: dict[str, Module] = {}
        self._module_of: dict[str, str] = {}
        self._classes: dict[int, Class] = {}
        self._by_element: dict[QName, Class] = {}
        self._enums: dict[QName, str] = {}
        for name, namespaces in MODULES.items():
            if namespaces[0] in schemas.roots:
                self.modules[name] = Module(name, namespaces, SchemaSet(schemas, namespaces[0]))
                for namespace in namespaces:
                    self._module_of[namespace] = name
        for module in self.modules.values():
            self._fill(module)

    def class_of(self, declared: ComplexType) -> Class:
        """The dataclass of a complex type."""
        return self._classes[id(declared)]

    def class_of_root(self, qname: QName) -> Class | None:
        """The dataclass of a global element; elements that share a type have one each."""
        return self._by_element.get(qname)

    def module_of(self, namespace: str) -> str:
        """The module of a target namespace."""
        return self._module_of[namespace]

    def enum_of(self, declared: SimpleType) -> tuple[str, str]:
        """Module and class name of an enumeration."""
        return self._module_of[declared.owner[0]], self._enums[declared.owner]

    def _fill(self, module: Module) -> None:
        taken: set[str] = set()
        globals_of: dict[int, list[QName]] = {}
        for element in self.schemas.elements.values():
            declared = self.schemas.resolve(element)
            if isinstance(declared, ComplexType):
                globals_of.setdefault(id(declared), []).append(element.qname)
        for declared in self.schemas.types.values():
            if declared.qname[0] not in module.namespaces or declared.abstract:
                continue
            elements = globals_of.get(id(declared), [])
            plain = _bare(declared.qname[1])
            names = [q[1] for q in elements] if elements else [plain]
            for position, name in enumerate(names):
                if name in taken:
                    raise ValueError(f"{module.name}: two classes {name}")
                taken.add(name)
                result = Class(name, module.name, declared, module.schema_set.shape(declared))
                module.classes.append(result)
                if position == 0:
                    self._classes[id(declared)] = result
                if elements:
                    self._by_element[elements[position]] = result
        for simple in self.schemas.simple.values():
            if simple.owner[0] in module.namespaces:
                if simple.values:
                    name = _bare(simple.owner[1])
                    if name in taken:
                        name = simple.owner[1]
                    taken.add(name)
                    module.enums[name] = simple
                    self._enums[simple.owner] = name
                elif simple.base != "boolean":
                    module.aliases[simple.name] = simple
        for item in module.classes:
            if isinstance(item.shape, Irregular) and (item.shape.repeats or item.shape.mixed):
                for element, _ in item.shape.children:
                    declared_type = self.schemas.resolve(element)
                    if isinstance(declared_type, SimpleType):
                        module.wrappers[element.qname[1]] = declared_type


def member_name(value: str) -> str:
    """A Python identifier for an enumeration value: the value itself wherever that is one."""
    name = re.sub(r"\W", "_", value)
    if name[0].isdigit() or keyword.iskeyword(name):
        name += "_"
    return name


def _bare(name: str) -> str:
    name = name.removesuffix("Type")
    return name[0].upper() + name[1:]
