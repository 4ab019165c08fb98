"""The namespaces the codec speaks, and the module that holds each one's grammar."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from chargepoint.iso15118.exi.errors import ExiError

NS_SAP = "urn:iso:15118:2:2010:AppProtocol"
NS_XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
NS_CM = "urn:iso:std:iso:15118:-20:CommonMessages"
NS_DC = "urn:iso:std:iso:15118:-20:DC"
NS_AC = "urn:iso:std:iso:15118:-20:AC"
NS_ACDP = "urn:iso:std:iso:15118:-20:ACDP"
NS_WPT = "urn:iso:std:iso:15118:-20:WPT"
NS_ISO2 = "urn:iso:15118:2:2013:MsgDef"
NS_DIN = "urn:din:70121:2012:MsgDef"
NS_COMMON_TYPES = "urn:iso:std:iso:15118:-20:CommonTypes"

_MODULES = {
    NS_SAP: "app_protocol",
    NS_XMLDSIG: "xmldsig",
    NS_COMMON_TYPES: "common_types",
    NS_CM: "common_messages",
    NS_DC: "dc",
    NS_AC: "ac",
    NS_ACDP: "acdp",
    NS_WPT: "wpt",
    NS_ISO2: "iso15118_2",
    NS_DIN: "din70121",
}
SHORT_NAMES = {
    "SAP": NS_SAP,
    "XMLDSIG": NS_XMLDSIG,
    "CT": NS_COMMON_TYPES,
    "CM": NS_CM,
    "DC": NS_DC,
    "AC": NS_AC,
    "ACDP": NS_ACDP,
    "WPT": NS_WPT,
    "ISO2": NS_ISO2,
    "DIN": NS_DIN,
}
"""What people call the schemas when they do not want to write a namespace."""

NAMESPACE_OF = {module: namespace for namespace, module in _MODULES.items()}
"""Message module (last part of its name) -> namespace whose schema set encodes its classes by default."""


def generated(namespace: str) -> ModuleType:
    """The generated codec module of a namespace, imported on first use. Raises ExiError for any other namespace."""
    name = _MODULES.get(namespace)
    if name is None:
        raise ExiError(f"namespace {namespace[:100]!r} is not one of {', '.join(_MODULES)}")
    return generated_by_name(name)


def generated_by_name(name: str) -> ModuleType:
    """The generated codec module of this name."""
    return import_module(f"chargepoint.iso15118.exi.generated.{name}")


def holder(namespace: str) -> ModuleType:
    """The generated codec module with the elements of a namespace, of which -2 and DIN have several in one module."""
    family = namespace.rpartition(":")[0]
    for own, name in _MODULES.items():
        if namespace == own or (own.endswith(":MsgDef") and family == own.rpartition(":")[0]):
            return generated_by_name(name)
    raise ExiError(f"namespace {namespace[:100]!r} is not known")


def messages(namespace: str) -> ModuleType:
    """The generated message module of a namespace, imported on first use. Raises ExiError for any other namespace."""
    generated(namespace)
    return import_module(f"chargepoint.iso15118.messages.{_MODULES[namespace]}")
