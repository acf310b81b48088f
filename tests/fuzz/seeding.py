"""Write the first corpus, `python -m fuzz.seeding` in `tests`: a document of each kind, an image of each shape."""

from fuzz.fuzzer import CORPUS, outcome
from fuzz.targets import TARGETS, Target
from hanota.wire.duis import Response, sign, write_request, write_response
from hanota.wire.otaimage import write_image
from hanota.wire.otaimage.build import ImageDescription, PayloadDescription, build_image
from hanota.wire.otaimage.image import sign_image
from helpers.premises import ppmid_file
from interop.documents import requests, responses
from unit.wire.duis.people import SIGNER


def main() -> None:
    """Write what is not there yet."""
    duis, _, image = TARGETS  # the vectors of GBCS are its corpus
    signed = []
    for value in (*requests(), *responses()):
        octets = write_response(value) if isinstance(value, Response) else write_request(value)
        signed.append(sign(octets, SIGNER))
    _write(duis, _one_of_each(duis, signed), ".xml")
    _write(image, _images(), ".ota")


def _one_of_each(target: Target, found: list[bytes]) -> dict[str, bytes]:
    smallest: dict[str, bytes] = {}
    for octets in sorted(found, key=len):
        smallest.setdefault("-".join(outcome(target.read, octets)), octets)
    return smallest


def _images() -> dict[str, bytes]:
    plain = ImageDescription(
        manufacturer=0x121D,
        image_type=0x0084,
        file_version=2,
        label="fuzz",
        payload=PayloadDescription(octets=40, seed=1),
    )
    built = build_image(plain)
    return {
        "plain": write_image(built),
        "hardware": ppmid_file(100),
        "signed": write_image(sign_image(built, SIGNER.key)),
        "maker": write_image(
            build_image(plain.model_copy(update={"maker": SIGNER.certificate.eui}), maker_key=SIGNER.key)
        ),
    }


def _write(target: Target, found: dict[str, bytes], suffix: str) -> None:
    folder = CORPUS / target.name
    folder.mkdir(parents=True, exist_ok=True)
    for name, octets in found.items():
        (folder / f"{name}{suffix}").write_bytes(octets)


if __name__ == "__main__":
    main()
