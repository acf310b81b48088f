"""Writes the documents of this folder, with certificates and keys made for them alone: always the same octets.

Run it as a script. `tests/unit/wire/duis/test_own_vectors.py` holds the files against what this gives. The GBCS
messages inside are those of the folder beside this one.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.devices import (
    AlertCode,
    CplStatus,
    CspRegion,
    DeviceStatus,
    DeviceType,
    TransferResponseCode,
)
from hanota.base.vocabulary.duis import DccAlertCode, DeviceList, DuisVersion, ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire import duis
from hanota.wire.smki import Credential, Validity, issue_authority, issue_certificate

FOLDER = Path(__file__).parent
GBCS = FOLDER.parent / "gbcs"

DCC = Eui64.parse("70-B3-D5-A0-00-00-00-01")
SUPPLIER = Eui64.parse("70-B3-D5-A0-00-00-00-02")
ESME = Eui64.parse("70-B3-D5-A0-00-00-01-01")
CHF = Eui64.parse("70-B3-D5-A0-00-00-01-03")
GPF = Eui64.parse("70-B3-D5-A0-00-00-01-04")
PPMID = Eui64.parse("70-B3-D5-A0-00-00-01-05")

NOW = parse_iso("2026-03-01T07:30:15Z")
LATER = parse_iso("2026-03-02T03:00:00Z")
HASH = bytes(range(32))
COUNTER = 0x18290CB75A8
ASKED = RequestId(SUPPLIER, DCC, COUNTER)

VALIDITY = Validity(parse_iso("2026-01-01T00:00:00Z"), parse_iso("2046-01-01T00:00:00Z"))
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def number(label: str) -> int:
    """A number that follows from a label: these keys are public, like everything here."""
    return int.from_bytes(hashlib.sha256(f"hanota duis vectors: {label}".encode()).digest(), "big")


def key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number(f"key {label}") % (ORDER - 1) + 1, ec.SECP256R1())


ISSUER = issue_authority(subject="CN=V2,OU=07", key=key("issuer"), serial=1, validity=VALIDITY)


def credential(eui: Eui64, role: CertificateRole) -> Credential:
    private = key(str(eui))
    certificate = issue_certificate(
        ISSUER,
        eui=eui,
        role=role,
        usage=KeyUsage.DIGITAL_SIGNATURE,
        public_key=private.public_key(),
        serial=number(f"serial {eui}") >> 136,
        validity=VALIDITY,
    )
    return Credential(certificate, private)


SIGNERS = {
    "request": credential(SUPPLIER, CertificateRole.XML_SIGN),
    "response": credential(DCC, CertificateRole.DSP_XML_SIGN),
}


def gbcs(name: str) -> bytes:
    return bytes.fromhex((GBCS / f"{name}.hex").read_text("ascii"))


def image() -> bytes:
    """What stands for an image: a pattern of an odd length, so that its base64 ends with padding."""
    return bytes(7 * place % 256 for place in range(301))


def header(srv: str, variant: int = 8, target: Eui64 = DCC) -> duis.RequestHeader:
    return duis.RequestHeader(
        request_id=RequestId(SUPPLIER, target, COUNTER),
        command_variant=variant,
        service_reference=srv,
        service_reference_variant=srv,
    )


def requests() -> dict[str, duis.Request]:
    """A request of every service, and of every form that it has."""
    place = duis.PropertyFilter(post_code="ZZ99 9ZZ", address_identifier="1 Example Street")
    changes: dict[str, duis.InventoryChange] = {
        "status": duis.StatusUpdate(status=DeviceStatus.PENDING, hub=False),
        "status_of_hub": duis.StatusUpdate(status=DeviceStatus.COMMISSIONED, hub=True),
        "details": duis.DetailsUpdate(
            manufacturer="121D",
            model="00841111",
            smets_chts_version="SMETS V1.58",
            firmware_version="0002012F",
            esme_variant="ADE",
        ),
        "delete": duis.DeleteDevice(),
        "import_mpxn": duis.MpxnUpdate(import_mpxn="1234567890123"),
        "secondary_mpan": duis.MpxnUpdate(secondary_import_mpan="1234567890124"),
        "export_mpan": duis.MpxnUpdate(export_mpan="1234567890125"),
    }
    sequel = replace(header("11.2", 1, PPMID), first_in_sequence=False, preceding=ASKED)
    signed = gbcs("CS06_future_dated_pre_command_signed")
    return {
        "8.2_device": duis.ReadInventory(header=header("8.2"), device=CHF),
        "8.2_uprn": duis.ReadInventory(header=header("8.2"), uprn="999999999999"),
        "8.2_mpxn": duis.ReadInventory(header=header("8.2"), mpxn="1234567890123"),
        "8.2_address": duis.ReadInventory(header=header("8.2"), property_filter=place),
        **{
            f"8.4_{name}": duis.UpdateInventory(header=header("8.4"), device=ESME, change=change)
            for name, change in changes.items()
        },
        "8.13": duis.ReturnLocalCommandResponse(
            header=header("8.13"), original_request_id=ASKED, gbcs=gbcs("CS06_immediate_response")
        ),
        **{
            srv: duis.FirmwareRequest(
                header=header(srv),
                image=image(),
                firmware_version="0002012F",
                device_list=duis.join_devices(devices),
            )
            for srv, devices in (("11.1", (ESME,)), ("11.4", (PPMID, ESME)))
        },
        "11.2": duis.ReadFirmwareVersion(header=sequel),
        "11.2_dated": duis.ReadFirmwareVersion(header=header("11.2", 1, PPMID), execution=LATER),
        "11.3": duis.ActivateFirmware(header=header("11.3", 4, ESME), firmware_hash=HASH),
        "11.3_dated": duis.ActivateFirmware(header=header("11.3", 4, ESME), execution=LATER, firmware_hash=HASH),
        "11.3_signed": duis.SignedPreCommand(header=header("11.3", 5, ESME), execution=LATER, gbcs=signed),
        "12.2": duis.DevicePrenotification(
            header=header("12.2"),
            device=CHF,
            manufacturer="121D",
            model="00001111",
            device_type=DeviceType.CHF,
            smets_chts_version="CHTS V1.4",
            firmware_version="00010000",
            gpf=GPF,
        ),
    }


def inventory() -> duis.Inventory:
    place = duis.PropertyFilter(post_code="ZZ99 9ZZ", address_identifier="1 Example Street")
    hub = duis.InventoryDevice(
        device=CHF,
        device_type=DeviceType.CHF,
        status=DeviceStatus.COMMISSIONED,
        manufacturer="121D",
        model="00001111",
        smets_chts_version="CHTS V1.4",
        firmware_version="00010000",
        firmware_version_status=CplStatus.ACTIVE,
        cpl_status=CplStatus.ACTIVE,
        date_commissioned="2026-02-01",
        uprn="999999999999",
        property_filter=place,
        csp_region=CspRegion.NORTH_4G,
        gbcs_version="4.3",
        han_variant="Dual Band",
        connectivity="Cellular",
    )
    meter = duis.InventoryDevice(
        device=ESME,
        device_type=DeviceType.ESME,
        status=DeviceStatus.SUSPENDED,
        manufacturer="121D",
        model="00841111",
        firmware_version="0002012E",
        firmware_version_status=CplStatus.WITHDRAWN,
        import_mpxn="1234567890123",
        secondary_import_mpan="1234567890124",
        export_mpan="1234567890125",
        esme_variant="ADE",
        s1sp="none",
    )
    display = duis.InventoryDevice(device=PPMID, device_type=DeviceType.CAD, manufacturer="", model="")
    return duis.Inventory(devices=(hub, meter, display))


def answers() -> dict[str, tuple[ResponseCode, str, duis.Content | None]]:
    """Code, service and content of an answer of every kind."""
    warning = duis.FirmwareWarning({name: str(ESME) for name in DeviceList})
    dated = duis.FutureDatedDeviceAlert(alert_code=AlertCode.FUTURE_DATED_COMMAND_DONE, octets=gbcs("00CA_8F66_alert"))
    pre_command = duis.PreCommand(gbcs_version="4.3", octets=gbcs("CS06_immediate_pre_command"))
    return {
        "done": (ResponseCode.I0, "8.4", None),
        "acknowledged": (ResponseCode.I99, "11.3", None),
        "refused": (ResponseCode.E110106, "11.1", None),
        "inventory": (ResponseCode.I0, "8.2", inventory()),
        "warning_11.1": (ResponseCode.W110101, "11.1", warning),
        "warning_11.4": (ResponseCode.W110401, "11.4", warning),
        "version": (ResponseCode.I0, "11.2", duis.GbcsPayload(octets=gbcs("CS08_PPMID_response"))),
        "local_command": (ResponseCode.I0, "11.3", duis.LocalCommand(octets=gbcs("CS06_immediate_command"))),
        "pre_command": (ResponseCode.I0, "11.3", pre_command),
        "dated": (ResponseCode.I0, "11.3", dated),
    }


def alerts() -> dict[str, tuple[DccAlertCode, duis.DccAlert]]:
    """Code and content of a DCC Alert of every kind."""
    code, devices = DccAlertCode, duis.join_devices((PPMID, ESME))
    transfer = duis.FirmwareTransferAlert(
        request_id=ASKED, device=PPMID, firmware_version="0002012F", result=TransferResponseCode.FILE_TRANSFER_SUCCESS
    )
    version = duis.ResponseVersionMismatch(
        request_id=ASKED, service_reference="8.2", service_reference_variant="8.2", request_version="5.1"
    )
    later = duis.AlertVersionMismatch(code="N64", device=CHF, request_id=ASKED)
    quarantined = duis.QuarantinedRequest(kind="ADUserThresholdBreach", request_id=ASKED, event_ref=17)
    return {
        "suspended": (code.N28, duis.DeviceStatusChangeEvent(device=ESME, change="DeviceSuspended")),
        "restored": (code.N29, duis.DeviceStatusChangeEvent(device=ESME, change="DeviceRestored")),
        "command_failure": (code.N53, duis.CommandFailure(request_id=ASKED, schedule_id=7, device=PPMID)),
        "given_up": (code.N18, duis.FirmwareDistributionFailure(request_id=ASKED, device_list=devices)),
        "activation": (
            code.N39,
            duis.PpmidAlert(
                device=PPMID,
                alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
                at=NOW,
                upgrade=duis.PpmidFirmwareUpgrade(firmware_version="0002012F", success=True),
            ),
        ),
        "quarantined": (code.N46, quarantined),
        "mismatch": (
            code.N49,
            duis.FirmwareVersionMismatch(
                device=PPMID, device_type=DeviceType.PPMID, version_smi="0002012E", version_device="0002012F"
            ),
        ),
        "requested": (
            code.N59,
            duis.FirmwareUpgradeRequested(
                device_type=DeviceType.PPMID, firmware_version="0002012F", device_list=devices
            ),
        ),
        "delivered": (
            code.N60,
            duis.CspFirmwareDeliveryStatus(
                request_id=ASKED, hub=CHF, device=PPMID, firmware_version="0002012F", at=NOW, success=True
            ),
        ),
        "transferred": (
            code.N62,
            duis.CommsHubAlert(hub=CHF, alert_code=AlertCode.FIRMWARE_TRANSFER_SUCCEEDED, at=NOW, transfer=transfer),
        ),
        "hub_activated": (code.N64, duis.CommsHubFirmwareActivation(device=CHF, firmware_version="00010001")),
        "answer_not_told": (code.N999, duis.DuisVersionMismatch(about=version, user_version="5.1")),
        "alert_not_told": (code.N999, duis.DuisVersionMismatch(about=later, user_version="5.1")),
    }


def responses() -> dict[str, duis.Response]:
    """Answers, alerts from devices and DCC Alerts."""
    made = {
        f"answer_{name}": duis.Response(
            request_id=ASKED,
            response_id=RequestId(DCC, SUPPLIER, COUNTER) if name in ("version", "dated") else None,
            code=code,
            at=NOW,
            body=duis.ResponseMessage(service_reference=srv, service_reference_variant=srv, content=content),
        )
        for name, (code, srv, content) in answers().items()
    }
    receipt = duis.DeviceAlertMessage(
        alert_code=AlertCode.FIRMWARE_VERIFIED,
        throttled_sequence=1,
        throttled_count=0,
        gbcs=gbcs("receipt_ESME_8F72_alert"),
    )
    bodies: dict[str, duis.DeviceAlertMessage | duis.DccAlertMessage] = {
        "device_alert": receipt,
        **{f"alert_{name}": duis.DccAlertMessage(code=code, alert=alert) for name, (code, alert) in alerts().items()},
    }
    for name, body in bodies.items():
        identifier = RequestId(DCC, SUPPLIER, number(name) >> 200)
        made[name] = duis.Response(response_id=identifier, code=ResponseCode.I0, at=NOW, body=body)
    return made


def documents() -> dict[str, bytes]:
    """All documents by name, signed, `5.1/request_8.2_device` and so on."""
    made = {}
    for version in DuisVersion:
        for name, request in requests().items():
            dated = replace(request, header=replace(request.header, schema_version=version.value))
            made[f"{version}/request_{name}"] = duis.sign(duis.write_request(dated), SIGNERS["request"])
        for name, response in responses().items():
            octets = duis.write_response(replace(response, schema_version=version.value))
            made[f"{version}/{name}"] = duis.sign(octets, SIGNERS["response"])
    return made


def certificates() -> dict[str, str]:
    """The signers' certificates by file name, as PEM."""
    held = [signer.certificate for signer in SIGNERS.values()]
    return {
        f"{one.eui}.pem": x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM).decode() for one in held
    }


def main() -> None:
    """Write all files."""
    for name, octets in documents().items():
        path = FOLDER / f"{name}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(octets)
    (FOLDER / "certs").mkdir(exist_ok=True)
    for name, text in certificates().items():
        (FOLDER / "certs" / name).write_text(text, "ascii")


if __name__ == "__main__":
    main()
