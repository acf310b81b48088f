"""Every kind of document that hanota writes is taken by the industry's signing tool and read by its DUIS parser."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from hanota.wire.duis import Request, Response, parse_safely, sign, write_request, write_response
from hanota.wire.duis.xml import local_name
from helpers.interop import INTEROP, program, run_node
from helpers.sign_wrap import sign_wrap_jar
from interop.documents import requests_in, responses_in
from unit.wire.duis.people import SIGNER

LAST_CHARACTER = "\uffff"  # Java counts characters above as two, so its schema check finds texts with them too long
TOOLS_VERSION = "5.1"


def written(value: Request | Response) -> bytes:
    return write_response(value) if isinstance(value, Response) else write_request(value)


def signed_in(version: str) -> list[bytes]:
    documents = [written(value) for value in (*requests_in(version), *responses_in(version))]
    return [sign(octets, SIGNER) for octets in documents if max(octets.decode()) <= LAST_CHARACTER]


def save(folder: Path, documents: list[bytes]) -> list[Path]:
    files = [folder / f"{number}.xml" for number in range(len(documents))]
    for file, octets in zip(files, documents, strict=True):
        file.write_bytes(octets)
    return files


def test_the_signing_tool_accepts_every_kind_of_document(tmp_path: Path) -> None:
    documents = signed_in(TOOLS_VERSION)
    files = save(tmp_path, documents)
    certificate = tmp_path / "signer.der"
    certificate.write_bytes(SIGNER.certificate.der)
    done = subprocess.run(
        [program("java", "default-jdk-headless"), "-cp", sign_wrap_jar(), INTEROP / "Accepts.java", certificate],
        input="\n".join(map(str, files)),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    codes = dict(zip(files, done.stdout.split(), strict=True))
    assert {file.name: code for file, code in codes.items() if code != "SUCCESS"} == {}, done.stderr[-2000:]


@pytest.mark.parametrize("version", ["5.1", "5.4"])
def test_the_parser_reads_every_kind_of_document_as_we_wrote_it(tmp_path: Path, version: str) -> None:
    documents = signed_in(version)
    read = run_node("parse.cjs", *save(tmp_path, documents))
    for octets, found in zip(documents, read, strict=True):
        assert "error" not in found, (octets, found)
        root = parse_safely(octets)
        assert found["body"] == as_read(root[1]), octets
        assert found["header"] | as_header(root) == found["header"], octets


def as_header(root: etree._Element) -> dict[str, Any]:
    """What must stand in the header that the parser gives."""
    texts = {local_name(child): child.text or "" for child in root[0]}
    told: dict[str, Any] = {"type": local_name(root).lower()}
    for name, key in (("RequestID", "requestId"), ("ResponseID", "responseId")):
        if name in texts:
            originator, target, counter = texts[name].lower().split(":")
            told[key] = {"originatorId": originator, "targetId": target, "counter": counter}
    if "ResponseCode" in texts:
        return told | {"responseCode": texts["ResponseCode"], "responseDateTime": texts["ResponseDateTime"]}
    return told | {"serviceReference": texts["ServiceReference"]}


def as_read(element: etree._Element) -> Any:
    """An element as the parser gives it: its text without white space around it, else its children by name."""
    if len(element) == 0:
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in element:
        name, value = local_name(child), as_read(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found
