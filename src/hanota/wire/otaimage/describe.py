"""An image in words and numbers, for people and for JSON."""

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.wire.otaimage.header import FILE_IDENTIFIER
from hanota.wire.otaimage.image import GbImage, signature_holds
from hanota.wire.otaimage.maker import MakerProblem, check_maker
from hanota.wire.otaimage.segments import read_segment


def describe(
    image: GbImage,
    *,
    supplier_key: ec.EllipticCurvePublicKey | None = None,
    maker_key: ec.EllipticCurvePublicKey | None = None,
) -> dict[str, dict[str, object]]:
    """Give every header field, sizes, hash, tail and maker's signature, and of a segment which one it is; JSON-ready.

    Codes and versions are hex as the standards write them, sizes are numbers of octets, what is absent is None. A
    signature is `valid` if the key given made it, None where there is no signature or no key to check it with.
    """
    header, tail = image.header, image.tail
    maker = check_maker(image.manufacturer_image, maker_key)
    return {
        "header": {
            "file_identifier": f"{FILE_IDENTIFIER:08X}",
            "header_version": f"{header.header_version:04X}",
            "header_octets": header.header_octets,
            "field_control": f"{header.field_control:04X}",
            "manufacturer": f"{header.manufacturer:04X}",
            "image_type": f"{header.image_type:04X}",
            "file_version": header.version_text,
            "stack_version": f"{header.stack_version:04X}",
            "label": header.label_text,
            "file_octets": header.file_octets,
            "credential_version": header.credential_version,
            "destination": header.destination and str(header.destination),
            "hardware_min": _hex4(header.hardware_min),
            "hardware_max": _hex4(header.hardware_max),
        },
        "manufacturer_image": {
            "offset": header.header_octets,
            "octets": len(image.manufacturer_image),
            "sha256": image.manufacturer_hash.hex().upper(),
        },
        **_describe_segment(image),
        "tail": {
            "kind": tail.value,
            "octets": tail.octets,
            "force_replace": image.force_replace,
            "signature": image.signature and image.signature.hex().upper(),
            "valid": signature_holds(image, supplier_key) if image.signature and supplier_key else None,
        },
        "maker": {
            "signed": maker.problem is not MakerProblem.NOT_SIGNED,
            "signer": maker.signer and str(maker.signer),
            "valid": {None: True, MakerProblem.SIGNATURE_WRONG: False}.get(maker.problem),
            "problem": maker.problem and maker.problem.value,
        },
    }


def file_name(image: GbImage) -> str:
    """Name a file after its contents, MMMM-TTTT-VVVVVVVV-HASH.zigbee, all in hex (advice of GBCS 11.2.4).

    A segment has the hash of the whole and its place, e.g. `…-1of3.zigbee`.
    """
    header, segment = image.header, read_segment(image)
    named = f"{header.manufacturer:04X}-{header.image_type:04X}-{header.version_text}"
    if segment is None:
        return f"{named}-{image.manufacturer_hash.hex().upper()}.zigbee"
    place = segment.header
    return f"{named}-{place.whole_hash.hex().upper()}-{place.index + 1}of{place.count}.zigbee"


def _describe_segment(image: GbImage) -> dict[str, dict[str, object]]:
    segment = read_segment(image)
    if segment is None:
        return {}
    header = segment.header
    return {
        "segment": {
            "index": header.index,
            "count": header.count,
            "octets": len(segment.octets),
            "whole_octets": header.whole_octets,
            "whole_sha256": header.whole_hash.hex().upper(),
        }
    }


def _hex4(number: int | None) -> str | None:
    return None if number is None else f"{number:04X}"
