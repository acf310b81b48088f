"""Writes the messages of this folder, with certificates and keys made for them alone: always the same octets.

Run it as a script. `tests/unit/wire/gbcs/test_own_vectors.py` holds the files against what this gives.
"""

import dataclasses
import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from hanota.base.eui import Eui64
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.devices import AlertCode, DeviceType, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.gbcs import (
    CANCELLED_AT,
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    CommandAccepted,
    Cra,
    DatedActivation,
    DistributionReceipt,
    Header,
    Message,
    MessageCode,
    ReadResponseCode,
    TransferAlert,
    VersionRead,
    activate_pre_command,
    activate_response,
    activation_alert,
    dated_activation_alert,
    distribution_receipt,
    read_message,
    read_version_command,
    read_version_response,
    seal,
    seal_command,
    sign_message,
    sign_pre_command,
    transfer_alert,
    write_message,
    write_payload,
)
from hanota.wire.smki import (
    Authority,
    Credential,
    KeyDirectory,
    Validity,
    issue_authority,
    issue_certificate,
)

FOLDER = Path(__file__).parent
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
ACB_ROLE, SUPPLIER_ROLE = CertificateRole.ACCESS_CONTROL_BROKER, CertificateRole.SUPPLIER

ACB = Eui64.parse("70-B3-D5-A0-00-00-00-01")
SUPPLIER = Eui64.parse("70-B3-D5-A0-00-00-00-02")
ESME = Eui64.parse("70-B3-D5-A0-00-00-01-01")
GSME = Eui64.parse("70-B3-D5-A0-00-00-01-02")
CHF = Eui64.parse("70-B3-D5-A0-00-00-01-03")
PPMID = Eui64.parse("70-B3-D5-A0-00-00-01-05")
HCALCS = Eui64.parse("70-B3-D5-A0-00-00-01-06")

NOW = parse_iso("2026-03-01T07:30:15Z")
LATER = parse_iso("2026-03-02T03:00:00Z")
HASH = bytes(range(32))
RUNNING, BEFORE = 0x0002012F, 0x0002012E

VALIDITY = Validity(parse_iso("2026-01-01T00:00:00Z"), parse_iso("2046-01-01T00:00:00Z"))
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def number(label: str) -> int:
    """A number that follows from a label: these keys are public, like everything here."""
    return int.from_bytes(hashlib.sha256(f"hanota gbcs vectors: {label}".encode()).digest(), "big")


def key(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number(f"key {label}") % (ORDER - 1) + 1, ec.SECP256R1())


def credential(issuer: Authority, eui: Eui64, role: CertificateRole | None, usage: KeyUsage) -> Credential:
    private = key(f"{eui} {usage}")
    certificate = issue_certificate(
        issuer,
        eui=eui,
        role=role,
        usage=usage,
        public_key=private.public_key(),
        serial=number(f"serial {eui} {usage}") >> 136,
        validity=VALIDITY,
    )
    return Credential(certificate, private)


def directory() -> KeyDirectory:
    issuer = issue_authority(subject="CN=V1,OU=07", key=key("issuer"), serial=1, validity=VALIDITY)
    roles = {ACB: ACB_ROLE, SUPPLIER: SUPPLIER_ROLE} | dict.fromkeys((ESME, GSME, CHF, PPMID, HCALCS))
    return KeyDirectory([credential(issuer, eui, role, usage) for eui, role in roles.items() for usage in (DS, KA)])


KEYS = directory()


def activations() -> dict[str, bytes]:
    """CS06 with its pre-commands, responses and alerts."""
    made: dict[str, bytes] = {}
    supplier, acb = KEYS.credential(SUPPLIER, DS, SUPPLIER_ROLE), KEYS.credential(ACB, KA, ACB_ROLE)
    done = ActivationOutcome(result=ActivateImageResponseCode.SUCCESS, file_version=RUNNING)
    none = ActivationOutcome(result=ActivateImageResponseCode.NO_IMAGE_HELD, file_version=BEFORE)
    wrong = ActivationOutcome(result=ActivateImageResponseCode.HASH_MISMATCH, file_version=BEFORE)
    for name, device, counter, execution, answer in (
        ("immediate", ESME, 0x18290CB75A8, None, done),
        ("immediate_failed", HCALCS, 0x18290CB75A9, None, none),
        ("future_dated", GSME, 0x18290CB75AA, LATER, CommandAccepted()),
        ("cancellation", GSME, 0x18290CB75AB, CANCELLED_AT, CommandAccepted()),
    ):
        plain = activate_pre_command(
            supplier=SUPPLIER, device=device, counter=counter, manufacturer_hash=HASH, execution=execution
        )
        signed = sign_pre_command(plain, supplier)
        command = seal_command(signed, acb=acb, device=KEYS.certificate(device, KA))
        made[f"CS06_{name}_pre_command"] = plain
        made[f"CS06_{name}_pre_command_without_length"] = plain[:-1]
        made[f"CS06_{name}_pre_command_signed"] = signed
        made[f"CS06_{name}_command"] = command
        made[f"CS06_{name}_response"] = activate_response(
            answer, command=read_message(command), device=KEYS.credential(device, DS), at=NOW
        )
    for code, outcome in ((AlertCode.FUTURE_DATED_COMMAND_DONE, done), (AlertCode.FUTURE_DATED_COMMAND_FAILED, wrong)):
        alert = DatedActivation(alert_code=code, at=LATER, originator_counter=0x18290CB75AA, outcome=outcome)
        octets = dated_activation_alert(alert, device=KEYS.credential(GSME, DS), recipient=SUPPLIER, counter=70)
        made[f"00CA_{int(code):04X}_alert"] = octets
    return made


def reads() -> dict[str, bytes]:
    """CS08, ECS52 and GCS38, answered with a version and without."""
    made = {}
    acb = KEYS.credential(ACB, KA, ACB_ROLE)
    success = VersionRead(file_version=RUNNING, response_code=ReadResponseCode.READ_SUCCESS)
    for name, device, kind, failure in (
        ("CS08_PPMID", PPMID, DeviceType.PPMID, VersionRead(file_version=0, response_code=ReadResponseCode(1))),
        ("CS08_HCALCS", HCALCS, DeviceType.HCALCS, VersionRead(file_version=0, response_code=ReadResponseCode(1))),
        ("ECS52_ESME", ESME, DeviceType.ESME, VersionRead(file_version=None, response_code=ReadResponseCode(1))),
        ("ECS52_CHF", CHF, DeviceType.CHF, VersionRead(file_version=None, response_code=ReadResponseCode(2))),
        ("GCS38_GSME", GSME, DeviceType.GSME, VersionRead(file_version=None, response_code=ReadResponseCode(0xC0))),
    ):
        command = read_version_command(
            device_type=kind,
            acb=acb,
            device=KEYS.certificate(device, KA),
            counter=0x1000001,
            user=SUPPLIER,
            user_counter=0x18290CB75AC,
        )
        made[f"{name}_command"] = command
        for end, answer in (("response", success), ("response_failed", failure)):
            made[f"{name}_{end}"] = read_version_response(
                answer, command=read_message(command), device=KEYS.credential(device, KA), acb=acb.certificate
            )
    return made


def alerts() -> dict[str, bytes]:
    """What hubs and devices tell of themselves."""
    made = {}
    for code, result in ((AlertCode.FIRMWARE_TRANSFER_SUCCEEDED, 0), (AlertCode.FIRMWARE_TRANSFER_FAILED, 2)):
        transfer = TransferAlert(
            alert_code=code, at=NOW, device=PPMID, file_version=RUNNING, result=TransferResponseCode(result)
        )
        octets = transfer_alert(transfer, hub=KEYS.credential(CHF, DS), recipient=ACB, counter=71)
        made[f"CCS08_{int(code):04X}_alert"] = octets
    activation = ActivationAlert(
        alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION, at=NOW, file_version=BEFORE, result=ActivationResult.FAILURE
    )
    device = KEYS.credential(PPMID, DS)
    made["CS09_8F8B_alert"] = activation_alert(activation, device=device, recipient=ACB, counter=72)
    header = read_message(made["CS09_8F8B_alert"]).header
    older = dataclasses.replace(header, message_code=MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION)
    message = Message(header=older, payload=write_payload(activation, older))
    made["CS09_8F8B_alert_as_0129"] = write_message(sign_message(message, device.key))
    for code in (AlertCode.FIRMWARE_VERIFIED, AlertCode.FIRMWARE_VERIFICATION_FAILED):
        for meter, kind in ((ESME, DeviceType.ESME), (GSME, DeviceType.GSME)):
            receipt = DistributionReceipt(alert_code=code, at=NOW, manufacturer_hash=HASH)
            made[f"receipt_{kind}_{int(code):04X}_alert"] = distribution_receipt(
                receipt, device=KEYS.credential(meter, DS), recipient=SUPPLIER, counter=73, device_type=kind
            )
    return made


def others() -> dict[str, bytes]:
    """Use cases that are not taken apart, with lengths of every form and more in the header than firmware needs."""
    made = {}
    acb = KEYS.credential(ACB, KA, ACB_ROLE)
    for name, octets, rest in (
        ("short", 1, b""),
        ("middle", 200, bytes(8)),
        ("long", 600, bytes(range(256)) + b"\x00"),
    ):
        header = Header(
            cra=Cra.ALERT,
            counter=74,
            originator=CHF,
            recipient=ACB,
            message_code=MessageCode(0x0018),
            supplementary_party=SUPPLIER,
            supplementary_counter=75,
            supplementary_rest=rest,
        )
        message = sign_message(Message(header=header, payload=bytes(octets)), KEYS.credential(CHF, DS).key)
        made[f"0018_{name}_alert"] = write_message(
            seal(message, KEYS.credential(CHF, KA).key, acb.certificate.public_key)
        )
    return made


def messages() -> dict[str, bytes]:
    """All messages by name."""
    return {**activations(), **reads(), **alerts(), **others()}


def certificates() -> dict[str, str]:
    """The certificates that the marks are checked with, by file name, as PEM."""
    return {
        f"{one.eui}-{one.usage}.pem": x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM).decode()
        for one in KEYS.certificates()
    }


def private_numbers() -> str:
    """The private key agreement keys that MACs are checked with, one a line: EUI-64, number in hex."""
    held = (one for one in KEYS.credentials() if one.certificate.usage is KA)
    lines = sorted(f"{one.certificate.eui} {one.key.private_numbers().private_value:064x}\n" for one in held)
    return "".join(lines)


def main() -> None:
    """Write all files."""
    (FOLDER / "certs").mkdir(exist_ok=True)
    for name, octets in messages().items():
        (FOLDER / f"{name}.hex").write_text(octets.hex().upper() + "\n", "ascii")
    for name, text in certificates().items():
        (FOLDER / "certs" / name).write_text(text, "ascii")
    (FOLDER / "agreement-keys.txt").write_text(private_numbers(), "ascii")


if __name__ == "__main__":
    main()
