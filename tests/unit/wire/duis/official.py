"""The official schemas: 5.4 from the folder of reference messages, 5.1 from within the industry's signing tool."""

import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from helpers.shared import shared
from helpers.sign_wrap import sign_wrap_jar


def _compiled(path):
    parser = etree.XMLParser(load_dtd=True, no_network=True)  # it imports a schema that has a DOCTYPE
    return etree.XMLSchema(etree.parse(path, parser))


@cache
def official_schema() -> etree.XMLSchema:
    """Compile DUIS Schema V5.4."""
    return _compiled(shared() / "schema" / "duis-5.4.xsd")


@cache
def official_schema_5_1() -> etree.XMLSchema:
    """Compile DUIS Schema V5.1; libxml2 finds no file whose name has a space."""
    with zipfile.ZipFile(sign_wrap_jar()) as jar, TemporaryDirectory() as folder:
        for name in jar.namelist():
            if name.endswith((".xsd", ".dtd")):
                text = jar.read(name).replace(b" Schema V5.1.xsd", b"-5.1.xsd")
                Path(folder, name.replace(" Schema V", "-")).write_bytes(text)
        return _compiled(Path(folder, "DUIS-5.1.xsd"))


def officially_valid(root: etree._Element) -> bool:
    """Judge by the official schema alone."""
    return bool(official_schema().validate(root))
