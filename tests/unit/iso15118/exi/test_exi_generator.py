"""The generator on a small schema of our own: event codes and widths worked out by hand from EXI 1.0, clause 8.5.4."""

from __future__ import annotations

from pathlib import Path

import pytest

from chargepoint.iso15118.exi.generator.__main__ import generate
from chargepoint.iso15118.exi.generator.grammar import Irregular, Regular, SchemaSet
from chargepoint.iso15118.exi.generator.modules import member_name
from chargepoint.iso15118.exi.generator.xsd import SchemaFolder

NAMESPACE = "urn:iso:15118:2:2010:AppProtocol"
SCHEMA = f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE schema [ <!ENTITY % p ''> ]>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{NAMESPACE}" targetNamespace="{NAMESPACE}"
           elementFormDefault="qualified">
  <xs:element name="Mode" type="ModeType" abstract="true"/>
  <xs:complexType name="ModeType" abstract="true"/>
  <xs:element name="Zeta" type="ZetaType" substitutionGroup="Mode"/>
  <xs:complexType name="ZetaType"><xs:complexContent><xs:extension base="ModeType"><xs:sequence>
    <xs:element name="Level" type="levelType"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
  <xs:element name="Alpha" type="AlphaType" substitutionGroup="Mode"/>
  <xs:complexType name="AlphaType"><xs:complexContent>
    <xs:extension base="ModeType"/>
  </xs:complexContent></xs:complexType>
  <xs:simpleType name="levelType"><xs:restriction base="xs:byte">
    <xs:minInclusive value="-3"/><xs:maxInclusive value="3"/>
  </xs:restriction></xs:simpleType>
  <xs:element name="Root" type="RootType"/>
  <xs:complexType name="RootType">
    <xs:sequence>
      <xs:element name="First" type="xs:boolean" minOccurs="0"/>
      <xs:element name="Many" type="xs:unsignedInt" minOccurs="2" maxOccurs="3"/>
      <xs:choice minOccurs="0">
        <xs:element name="Late" type="xs:string"/>
        <xs:element name="Early" type="xs:string"/>
      </xs:choice>
      <xs:element ref="Mode"/>
    </xs:sequence>
    <xs:attribute name="Id" type="xs:ID"/>
    <xs:attribute name="Class" type="xs:string" use="required"/>
  </xs:complexType>
  <xs:element name="Loose" type="LooseType"/>
  <xs:complexType name="LooseType" mixed="true">
    <xs:choice minOccurs="0" maxOccurs="unbounded">
      <xs:any namespace="##other" processContents="lax"/>
      <xs:element name="Word" type="xs:string"/>
    </xs:choice>
  </xs:complexType>
</xs:schema>
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "small.xsd").write_text(SCHEMA, encoding="utf-8")
    return tmp_path / "schemas"


def shape_of(folder: Path, name: str) -> Regular | Irregular:
    schemas = SchemaFolder(folder)
    return SchemaSet(schemas, NAMESPACE).shape(schemas.types[(NAMESPACE, name)])


def test_states_of_a_sequence(folder: Path) -> None:
    shape = shape_of(folder, "RootType")
    assert isinstance(shape, Regular)
    # attributes sorted by name, then content: Class 0, Id 1, First 2, Many 3, Late 4, Early 5, Alpha 6, Mode 7, Zeta 8
    assert [(s.name, s.start) for s in shape.slots] == [
        ("Class", 0), ("Id", 1), ("First", 2), ("Many", 3), ("", 4), ("Mode", 6),
    ]  # fmt: skip
    assert [e.qname[1] for e in shape.slots[5].alternatives] == ["Alpha", "Mode", "Zeta"]
    states = {
        (0, 0): (0, 1, 1),  # Class is required: alone
        (1, 0): (1, 3, 2),  # Id, First, Many
        (2, 0): (2, 2, 2),  # First, Many
        (3, 1): (3, 1, 1),  # one of at least two: Many only
        (3, 2): (3, 6, 3),  # Many again, Late, Early, the group
        (3, 3): (4, 5, 3),  # three of three: no more Many
        (5, 0): (6, 3, 2),  # the group, its abstract head included
        (6, 0): (9, 1, 1),  # the end
    }
    for (slot, seen), expected in states.items():
        window = shape.window(slot, seen)
        assert (window.start, window.count, window.width) == expected


def test_states_of_mixed_content(folder: Path) -> None:
    shape = shape_of(folder, "LooseType")
    assert isinstance(shape, Irregular)
    assert shape.mixed
    assert shape.repeats
    # elements before wildcards before the end before characters, whatever their order in the schema
    for state in shape.states:
        assert [(s.kind, s.name) for s in state] == [("element", "Word"), ("any", "*"), ("end", ""), ("text", "")]


def test_order_of_roots_and_fragments(folder: Path) -> None:
    schema_set = SchemaSet(SchemaFolder(folder), NAMESPACE)
    assert [e.qname[1] for e in schema_set.global_elements()] == ["Alpha", "Loose", "Mode", "Root", "Zeta"]
    assert [q[1] for q, _ in schema_set.fragment_elements()] == [
        "Alpha", "Early", "First", "Late", "Level", "Loose", "Many", "Mode", "Root", "Word", "Zeta",
    ]  # fmt: skip


def test_generation_is_deterministic_and_compiles(folder: Path, tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        target = tmp_path / name
        (target / "messages").mkdir(parents=True)
        (target / "exi" / "generated").mkdir(parents=True)
        written = generate(folder, target)
        assert [p.name for p in written] == ["app_protocol.py", "app_protocol.py"]
        texts.append([path.read_text(encoding="utf-8") for path in written])
    assert texts[0] == texts[1]
    for text in texts[0]:
        compile(text, "generated", "exec")
    messages, codec = texts[0]
    assert "Many: Annotated[tuple[UnsignedInt, ...], Occurs(2, 3)]" in messages
    assert "Mode: Annotated[Alpha | Zeta, Group()]" in messages
    assert "levelType = Annotated[int, Bounds(-3, 3)]" in messages
    assert "def decode_Root(" in codec


def test_unknown_schema_constructs_are_refused(tmp_path: Path) -> None:
    text = SCHEMA.replace("<xs:sequence>", "<xs:all>", 1).replace("</xs:sequence>", "</xs:all>", 1)
    (tmp_path / "odd.xsd").write_text(text, encoding="utf-8")
    with pytest.raises(NotImplementedError):
        SchemaFolder(tmp_path)


@pytest.mark.parametrize(("value", "name"), [("OK", "OK"), ("None", "None_"), ("W/s", "W_s"), ("MF-WPT1", "MF_WPT1")])
def test_member_names(value: str, name: str) -> None:
    assert member_name(value) == name
