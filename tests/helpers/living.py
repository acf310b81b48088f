"""A world that runs by itself, fast, over a folder: what tests of the home view look at."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from hanota.app.running import Running
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.policies import Policies
from hanota.wire import duis
from hanota.wire.smki import read_directory
from helpers.world import SUPPLIER_1, image, product_of, read, request


@contextmanager
def living(folder: Path, policies: Policies, *, speed: float) -> Iterator[Running]:
    """Run the built-in estate with the test image on its list."""
    found = product_of(image())
    listed = f"""
[[product]]
manufacturer = "{found.manufacturer:04X}"
model = "{found.image_type:04X}{found.hardware_version:04X}"
firmware_version = "{found.firmware_version:08X}"
manufacturer_hash = "{read(image()).manufacturer_hash.hex()}"
"""
    builtin = (resources.files("hanota.edge.estate") / "builtin.toml").read_text("utf-8")
    estate = folder / "given.toml"
    estate.write_text(builtin + listed, "utf-8")
    running = Running(folder / "home", speed=speed, estate=estate, policies=policies)
    running.start()
    try:
        yield running
        assert running.failure is None
    finally:
        running.stop()


def send(running: Running, folder: Path, counter: int = 1) -> ResponseCode:
    """Send the test image to the PPMID of the first home."""
    signer = read_directory(folder / "home" / "pki").credential(
        SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN
    )
    return running.desk.submit(duis.sign(duis.write_request(request(counter=counter)), signer), "D").code
