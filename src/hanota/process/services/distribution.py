"""11.1 Update Firmware and 11.4 Update PPMID Firmware: the image, then every device named, judged at once."""

from dataclasses import replace

import polars as pl

from hanota.base.eui import signed_of_text
from hanota.base.instant import DAY
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.reasons import RequestReason
from hanota.process.check import ImageCase, Terms, judge_devices, judge_image
from hanota.process.report import warning_of
from hanota.process.services.work import Outcome, Work, refused, signers_of
from hanota.records.library.images import put_image
from hanota.records.registry.lookups import product_standing
from hanota.records.store import Connection
from hanota.records.store.device_facts import device_facts
from hanota.records.store.segments import contradiction, keep_segment
from hanota.wire.duis import FirmwareRequest
from hanota.wire.otaimage import GbImage
from hanota.wire.otaimage.segments import manufacturer_hash


def distribute(work: Work[FirmwareRequest]) -> Outcome:
    """Decide which devices get the image; the others are told in five lists. Nothing is sent yet."""
    request, connection = work.request, work.connection
    case = ImageCase(
        request=request,
        row=work.row,
        policies=work.policies,
        product=lambda image: _standing(connection, image),
        contradiction=lambda segment: contradiction(connection, work.sender, segment, request.image),
        signers=signers_of(work),
    )
    if failed := judge_image(case):
        return refused(failed, work)
    facts = device_facts(
        connection,
        pl.Series("device", signed_of_text(request.device_list)),
        sender=work.sender,
        manufacturer_hash=case.manufacturer_hash,
        now=work.now,
        in_segments=case.segment is not None,
        interval_ms=work.policies.update.min_interval_days * DAY,
    )
    terms = Terms(
        srv=work.row.srv,
        header=case.image.header,
        image_octets=case.whole_octets,
        policies=work.policies,
        in_segments=case.segment is not None,
        force_replace=case.image.force_replace or 0,
    )
    return _outcome(work, case, judge_devices(facts, terms))


def _outcome(work: Work[FirmwareRequest], case: ImageCase, decision: pl.DataFrame) -> Outcome:
    refusals = decision.height - decision["reason"].null_count()
    assert work.row.warning_code is not None  # of every service that carries an image
    code = work.row.warning_code if refusals else ResponseCode.I0
    told = Outcome(
        code=code,
        content=warning_of(decision),
        decision=decision,
        version_text=case.image.header.version_text,
    )
    if refusals == decision.height:
        failed = refused((RequestReason.NO_VALID_DEVICE, ""), work)
        return replace(told, code=failed.code, reason=failed.reason)
    digest = _put_image(work.connection, case)
    segment = case.segment
    if segment is None:
        return replace(told, image=digest)
    return replace(
        told,
        image=digest,
        then=lambda number: keep_segment(
            work.connection, work.sender, segment, image=digest, request=number, now=work.now
        ),
    )


def _standing(connection: Connection, image: GbImage) -> CplStatus | None:
    header = image.header
    return product_standing(
        connection,
        manufacturer_hash=manufacturer_hash(image),
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        version=header.file_version,
    )


def _put_image(connection: Connection, case: ImageCase) -> bytes:
    header = case.image.header
    return put_image(
        connection,
        case.request.image,
        manufacturer_hash=case.manufacturer_hash,
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        version=header.file_version,
        hardware_min=header.hardware_min,
        hardware_max=header.hardware_max,
        force_replace=case.image.force_replace,
    )
