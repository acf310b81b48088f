"""The industry's own tools, run as they are: the signing tool (Java) and the DUIS parser (Node), from npm packages."""

import json
import os
import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from hanota.wire.smki import Certificate, read_certificate
from helpers.leaving_out import leave_out
from helpers.sign_wrap import sign_wrap_jar

INTEROP = Path(__file__).resolve().parents[1] / "interop"
XML_SIGNER = "xml-sign-90B3D51F30010000-ds"  # test Supplier 1
DCC_SIGNER = "dsp-xml-sign-90B3D51F30000002-ds"
PACKAGES = ("dccboxed-keystore", "duis-sign-wrap", "duis-parser")

_MODULES = "HANOTA_NODE_MODULES"
_REMEDY = "`npm ci --ignore-scripts` with the package files of tests/interop in a folder of their own"
_CLASSES = "uk.co.smartdcc.boxed.xmldsig"
_TOOL_S_MAX = 60


def node_modules() -> Path:
    """Give the folder with the three packages; leave the test out, and say why, where it is missing."""
    folder = os.environ.get(_MODULES)
    place = Path(folder) if folder else None
    if place is None or not all((place / "@smartdcc" / name).is_dir() for name in PACKAGES):
        where = place or f"{_MODULES} is not set"
        leave_out(f"the industry's packages are not here ({where}): {_REMEDY}, then set {_MODULES}")
    return place


def program(name: str, package: str) -> str:
    """Give the path of a program; leave the test out, and say why, where there is none."""
    path = shutil.which(name)
    if path is None:
        leave_out(f"no {name}: install it (Debian: apt-get install {package})")
    return path


def sign_by_tool(octets: bytes) -> subprocess.CompletedProcess[bytes]:
    """Sign a document with the tool's own key for its originator, keeping the counter."""
    return _tool("Sign", "-", "--preserveCounter", octets=octets)


def validate_by_tool(octets: bytes, certificate: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Check schema and signature; the signer is the given one, else the one in the tool's library with that serial."""
    return _tool("Validate", "-", *([str(certificate)] if certificate else []), octets=octets)


@cache
def tool_file(name: str) -> bytes:
    """Give a file from within the tool, where its test keys and certificates are."""
    with zipfile.ZipFile(sign_wrap_jar()) as jar:
        return jar.read(name)


def tool_certificate(name: str) -> Certificate:
    """Give the certificate of one of the tool's signers."""
    return read_certificate(tool_file(f"{name}.pem"))


def run_node(script: str, *arguments: object, timeout_s: float = _TOOL_S_MAX) -> Any:
    """Run a script of `tests/interop` with the packages at hand. Gives what it printed, one JSON document."""
    command = [program("node", "nodejs"), str(INTEROP / script), *map(str, arguments)]
    environment = {**os.environ, "NODE_PATH": str(node_modules())}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return json.loads(done.stdout)


def _tool(main: str, *arguments: str, octets: bytes) -> subprocess.CompletedProcess[bytes]:
    java = program("java", "default-jdk-headless")
    command = [java, "-cp", str(sign_wrap_jar()), f"{_CLASSES}.{main}", *arguments]
    return subprocess.run(command, input=octets, capture_output=True, timeout=_TOOL_S_MAX, check=False)
