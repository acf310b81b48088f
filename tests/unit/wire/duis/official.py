"""The official schema, read from the folder of reference messages; it imports a schema that has a DOCTYPE."""

from functools import cache

from lxml import etree

from helpers.shared import shared


@cache
def official_schema() -> etree.XMLSchema:
    """Compile DUIS Schema V5.4."""
    parser = etree.XMLParser(load_dtd=True, no_network=True)
    return etree.XMLSchema(etree.parse(shared() / "schema" / "duis-5.4.xsd", parser))


def officially_valid(root: etree._Element) -> bool:
    """Judge by the official schema alone."""
    return bool(official_schema().validate(root))
