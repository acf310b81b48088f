"""What the versions of DUIS that hanota speaks differ in, within its own messages (domain 2.6; schemas 5.1 and 5.4).

One schema checks all of them, the latest. What an older version lacks is told here: a document may not use it
(`departures`), and is written without it where something else can stand for it (`fit`).
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hanota.base.vocabulary.duis import DuisVersion
from hanota.wire.duis.elements import SR
from hanota.wire.duis.errors import SchemaProblem
from hanota.wire.duis.xml import Element, local_name

LATEST: Final = DuisVersion.V5_4.value
_ORDER: Final[Mapping[str, int]] = MappingProxyType({version.value: at for at, version in enumerate(DuisVersion)})

_ELEMENTS: Final[Mapping[str, str]] = MappingProxyType({"Connectivity": "5.4"})
"""Elements, and the version that has them first; an older document goes without."""

_TEXTS: Final[Mapping[tuple[str, str], tuple[str, str | None]]] = MappingProxyType(
    {
        ("CSPRegion", "4G North"): ("5.3", "Unknown"),
        ("CSPRegion", "4G Central"): ("5.3", "Unknown"),
        ("CSPRegion", "4G South"): ("5.3", "Unknown"),
        ("ResponseCode", "E110106"): ("5.3", "E110102"),
        ("ResponseCode", "E120103"): ("5.3", None),
        ("ResponseCode", "E081406"): ("5.3", None),
        ("ResponseCode", "E050111"): ("5.3", None),
        ("ResponseCode", "E050112"): ("5.3", None),
    }
)
"""Words by element, the version that has them first, and what an older document says instead, if anything."""

_TAGS: Final = tuple(f"{{{SR}}}{name}" for name in dict.fromkeys((*_ELEMENTS, *(name for name, _ in _TEXTS))))


def plain(version: str) -> str:
    """Give a schemaVersion in its one form: the attribute is a decimal, so `5.40` is `5.4`. Others stay as they are."""
    whole, _, part = version.strip().removeprefix("+").partition(".")
    tidy = f"{whole.lstrip('0') or '0'}.{part.rstrip('0') or '0'}"
    return tidy if tidy in _ORDER else version


def departures(root: Element) -> Iterator[SchemaProblem]:
    """Give the places where a document uses what its schemaVersion doesn't have yet."""
    for found, since, _instead in _newer(root):
        name = local_name(found)
        thing = name if name in _ELEMENTS else f"{name} {found.text!r}"
        told = f"{thing} came with DUIS {since}, the document is {plain(root.get('schemaVersion', ''))}"
        yield SchemaProblem(found.sourceline or 0, found.getroottree().getpath(found), told)


def fit(root: Element) -> None:
    """Make a document fit its schemaVersion: leave out or replace what the version doesn't have.

    What nothing can stand for stays, for `departures` to tell.
    """
    for found, _since, instead in list(_newer(root)):
        parent = found.getparent()
        if instead is not None:
            found.text = instead
        elif local_name(found) in _ELEMENTS and parent is not None:
            parent.remove(found)


def _newer(root: Element) -> Iterator[tuple[Element, str, str | None]]:
    at = _ORDER.get(plain(root.get("schemaVersion", "")), len(_ORDER))
    for found in root.iter(*_TAGS):
        name = local_name(found)
        since, instead = _TEXTS.get((name, found.text or ""), (_ELEMENTS.get(name), None))
        if since is not None and at < _ORDER[since]:
            yield found, since, instead
