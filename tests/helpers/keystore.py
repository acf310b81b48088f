"""Private keys of the reference test parties: read where they were installed, never kept here."""

import functools
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from helpers.leaving_out import leave_out

_REMEDY = "install npm package @smartdcc/dccboxed-keystore and set HANOTA_KEYSTORE to the package's folder"


def reference_keys() -> dict[int, ec.EllipticCurvePrivateKey]:
    """Give the private keys by the serial number of their certificate; leave the test out where they are missing."""
    return _read(keystore_folder() / "keystore.json")


def keystore_folder() -> Path:
    """Give the folder of the public key store's npm package; leave the test out, and say why, where it is missing."""
    folder = os.environ.get("HANOTA_KEYSTORE")
    store = Path(folder, "keystore.json") if folder else None
    if store is None or not store.is_file():
        leave_out(f"the reference keys are not here ({store or 'HANOTA_KEYSTORE is not set'}): {_REMEDY}")
    return store.parent


@functools.cache
def _read(store: Path) -> dict[int, ec.EllipticCurvePrivateKey]:
    # {EUI: {usage: {serial number, decimal: {certificate, privateKey, …}}}}
    held = json.loads(store.read_text("utf-8"))
    keys = {}
    for uses in held.values():
        for entries in uses.values():
            for serial, entry in entries.items():
                key = load_pem_private_key(entry["privateKey"].encode("ascii"), password=None)
                assert isinstance(key, ec.EllipticCurvePrivateKey)
                keys[int(serial)] = key
    return keys
