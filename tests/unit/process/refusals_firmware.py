"""Documents that are refused: 11.1 and 11.4, for their image or their devices. No test by itself."""

from typing import Any

from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import ImagePolicy
from hanota.model.reasons import RequestReason
from hanota.records.registry.register import ProductRow, register_products
from hanota.wire.otaimage import Tail, read_image, sign_image, write_image
from hanota.wire.otaimage.segments import split
from helpers.asking import header, supplier_key
from helpers.meters import signed_image
from helpers.premises import NEW, ppmid_file
from helpers.world import ESME, STRANGER, SUPPLIER_2, Bench, image, read, request
from unit.process.refusals import Bad

_R, _C = RequestReason, ResponseCode


def esme_file(*, signer: Any = None, **facts: Any) -> bytes:
    """An ESME image that Supplier 1 signed, unless another did."""
    key = supplier_key() if signer is None else supplier_key(signer)
    return write_image(sign_image(signed_image(**facts), key.key))


def certify_esme(bench: Bench, status: CplStatus = CplStatus.ACTIVE) -> None:
    """Put the ESME image on the list."""
    found = read_image(esme_file(), Tail.SIGNED)
    row = ProductRow(
        manufacturer=found.header.manufacturer,
        image_type=found.header.image_type,
        hardware=0x1111,
        version=found.header.file_version,
        manufacturer_hash=found.manufacturer_hash,
        status=status,
    )
    with bench.store.writing() as connection:
        register_products(connection, [row])


def esme_request(*devices: Any, **changes: Any) -> Any:
    """An 11.1 for the ESME of home 1."""
    facts = {"image": esme_file(), "firmware_version": f"{NEW:08X}"} | changes
    plain = request(*(devices or (ESME,)), **facts)
    return type(plain)(
        header=header("11.1"), **{name: getattr(plain, name) for name in ("image", "firmware_version", "device_list")}
    )


def _withdraw(bench: Bench) -> None:
    certify_esme(bench, CplStatus.WITHDRAWN)


def segments(limit: int = 300) -> tuple[bytes, ...]:
    """The certified PPMID image in segments."""
    return tuple(write_image(part) for part in split(read(image()), limit))


def _without_segments(bench: Bench) -> None:
    bench.policies = bench.policies.model_copy(update={"image": ImagePolicy(segments=False)})
    bench.restart()


def _send_first_segment(bench: Bench) -> None:
    assert bench.submit(request(image=segments()[0], counter=90)).code is _C.I0


FIRMWARE = (
    Bad(_R.IMAGE_TOO_LARGE, _C.E110405, lambda _: request(image=ppmid_file(768_001))),
    Bad(_R.IMAGE_MALFORMED, _C.E110402, lambda _: request(image=b"x" + image()[1:])),
    Bad(_R.SEGMENTS_OFF, _C.E110405, lambda _: request(image=segments()[0]), _without_segments),
    Bad(_R.SEGMENT_CONTRADICTS, _C.E110402, lambda _: request(image=segments(400)[0]), _send_first_segment),
    Bad(_R.VERSION_NOT_IN_HEADER, _C.E110402, lambda _: request(firmware_version="00000000")),
    Bad(_R.IMAGE_NOT_CERTIFIED, _C.E110401, lambda _: request(image=image()[:-1] + b"x")),
    Bad(
        _R.CERTIFICATION_NOT_ACTIVE,
        _C.E110401,
        lambda _: request(),
        lambda bench: bench.certify(image(), status=CplStatus.WITHDRAWN),
    ),
    Bad(_R.NO_VALID_DEVICE, _C.E110403, lambda _: request(STRANGER)),
    Bad(_R.IMAGE_TOO_LARGE, _C.E110105, lambda _: esme_request(image=bytes(768_001))),
    Bad(_R.IMAGE_MALFORMED, _C.E110102, lambda _: esme_request(image=image())),
    Bad(_R.VERSION_NOT_IN_HEADER, _C.E110102, lambda _: esme_request(firmware_version="00000000")),
    Bad(_R.SUPPLIER_SIGNATURE_BROKEN, _C.E110106, lambda _: esme_request(image=esme_file(signer=SUPPLIER_2))),
    Bad(_R.IMAGE_NOT_CERTIFIED, _C.E110101, lambda _: esme_request()),
    Bad(_R.CERTIFICATION_NOT_ACTIVE, _C.E110101, lambda _: esme_request(), _withdraw),
    Bad(_R.NO_VALID_DEVICE, _C.E110103, lambda _: esme_request(STRANGER), certify_esme),
)
