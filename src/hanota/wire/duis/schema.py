"""Check of a document against hanota's own schema, `schema/hanota.xsd`, and against what that leaves out.

Our schema holds the messages that hanota reads and writes, no others. Where it departs from the official one is told
in its head, and tested. Long texts (`longtext.py`) and what a version doesn't have yet (`versions.py`) are checked
beside it.
"""

import threading
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from lxml import etree

from hanota.wire.duis import longtext, versions
from hanota.wire.duis.elements import SR
from hanota.wire.duis.errors import SchemaInvalid, SchemaProblem
from hanota.wire.duis.xml import Element, full_name

PROBLEMS_MAX: Final = 20  # told per document; a text of megabytes is cut
_MESSAGE_CHARS_MAX: Final = 300
_SCHEMA: Final = Path(__file__).parent / "schema" / "hanota.xsd"
_TYPED: Final = etree.XPath("//*[@xsi:type]", namespaces={"xsi": "http://www.w3.org/2001/XMLSchema-instance"})
_CHECKS: Final = {f"{{{SR}}}{name}": check for name, check in longtext.CHECKS.items()}


class _PerThread(threading.local):
    """A schema per thread: lxml keeps the log of the last validation in the schema object."""

    def __init__(self) -> None:
        self.schema = etree.XMLSchema(etree.parse(_SCHEMA))


_OWN: Final = _PerThread()


def check_schema(root: Element) -> tuple[SchemaProblem, ...]:
    """Give the places where the document departs from the schema, at most `PROBLEMS_MAX`; none if it is valid.

    Other requests and responses than hanota's own are departures too: ask `require_supported` first.
    """
    return tuple(
        islice(chain(_of_schema(root), _of_types(root), _of_texts(root), versions.departures(root)), PROBLEMS_MAX)
    )


def require_schema(root: Element) -> None:
    """Raise SchemaInvalid unless the document is valid."""
    problems = check_schema(root)
    if problems:
        raise SchemaInvalid(problems)


def _of_schema(root: Element) -> Iterator[SchemaProblem]:
    schema = _OWN.schema
    if schema.validate(root):
        return
    for entry in schema.error_log:
        message = entry.message[:_MESSAGE_CHARS_MAX].replace(f"{{{SR}}}", "")
        yield SchemaProblem(entry.line, entry.path or "/", message)


def _of_types(root: Element) -> Iterator[SchemaProblem]:
    """Our types have other names than the official ones: a document that names one would be judged by chance."""
    for element in _TYPED(root):
        yield SchemaProblem(element.sourceline or 0, element.getroottree().getpath(element), "it has an xsi:type")


def _of_texts(root: Element) -> Iterator[SchemaProblem]:
    for element in root.iter(*_CHECKS):
        message = _CHECKS[full_name(element)](element.text or "")
        if message:
            yield SchemaProblem(element.sourceline or 0, element.getroottree().getpath(element), message)
