import copy
import re
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from hanota.base.eui import Eui64
from hanota.wire import ecdsa
from hanota.wire.duis import (
    DuisMalformed,
    Problem,
    SignatureRefused,
    SignatureReport,
    parse_safely,
    read_request,
    require_signature,
    sign,
    verify,
    write_request,
)
from hanota.wire.duis.profile import DS, ENVELOPED, SIGNED_INFO
from hanota.wire.duis.signature import _canonical_signed_info, _without_signature
from hanota.wire.duis.xml import canonical
from helpers.shared import shared
from unit.wire.duis.official import officially_valid
from unit.wire.duis.people import PPMID, SERIAL, SIGNER, SUPPLIER, credential, find, request

PLAIN = write_request(request())
SIGNED = sign(PLAIN, SIGNER)
SIGNATURE = SIGNED[SIGNED.index(b"<ds:Signature") : SIGNED.index(b"</sr:Request>")]
EVIL = b"00-00-00-00-00-00-00-01"


def judge(octets):
    return verify(parse_safely(octets), find)


def shared_octets(name):
    return (shared() / "duis" / name).read_bytes()


def resigned(octets):
    """Sign whatever stands in SignedInfo with the right key, as a hostile sender who has one would."""
    root = parse_safely(octets)
    info = next(root.iter(f"{{{DS}}}SignedInfo"))
    signed_info = etree.tostring(info, method="c14n", exclusive=True)
    value = b64encode(ecdsa.sign(signed_info, SIGNER.key))
    return re.sub(rb"(<ds:SignatureValue>)[^<]*", lambda found: found[1] + value, octets)


def test_what_was_signed_holds_and_reads_back_from_the_signed_octets():
    report = judge(SIGNED)
    assert report
    assert report.problems == ()
    assert report.signer == SIGNER.certificate
    assert report.signer.eui == SUPPLIER
    assert read_request(parse_safely(require_signature(report))) == request()


def test_signed_octets_are_the_document_without_its_signature():
    assert PLAIN.endswith(judge(SIGNED).signed_octets)
    assert b"Signature" not in judge(SIGNED).signed_octets


def test_a_signed_document_is_officially_valid():
    assert officially_valid(etree.fromstring(SIGNED))


def test_the_same_document_and_key_always_give_the_same_signature():
    assert sign(PLAIN, SIGNER) == SIGNED


def test_checking_leaves_the_document_as_it_is():
    root = parse_safely(SIGNED)
    before = etree.tostring(root)
    assert verify(root, find)
    assert etree.tostring(root) == before


def test_signing_replaces_the_signatures_that_are_there():
    assert sign(SIGNED, SIGNER) == SIGNED
    other = credential(serial=7, secret=8)
    assert judge(sign(sign(PLAIN, other), SIGNER))


@pytest.mark.parametrize("srv", ["11.1_UPDATE_FIRMWARE", "11.4_UPDATE_PPMID_FIRMWARE"])
def test_the_industrys_requests_can_be_signed_as_they_are(srv):
    octets = shared_octets(f"templates/{srv}_REQUEST_DUIS.XML")
    signed = sign(octets, SIGNER)
    assert judge(signed)
    assert officially_valid(etree.fromstring(signed))
    assert read_request(parse_safely(judge(signed).signed_octets)) == read_request(parse_safely(octets))


def test_an_issuer_with_signs_of_xml_is_written_as_text():
    from dataclasses import replace

    from hanota.wire.smki import Credential

    odd = replace(SIGNER.certificate, issuer="CN=A&B <C>,OU=07")
    signed = sign(PLAIN, Credential(odd, SIGNER.key))
    asked = []
    assert verify(parse_safely(signed), lambda issuer, serial: asked.append((issuer, serial)) or odd)
    assert asked == [("CN=A&B <C>,OU=07", SERIAL)]


# White space, comments, CDATA ----------------------------------------------------------------------------------


def test_a_document_indented_after_signing_holds():
    root = etree.fromstring(SIGNED)
    etree.indent(root)
    assert etree.tostring(root).count(b"\n") > 20
    report = judge(etree.tostring(root))
    assert report
    assert report.signed_octets == judge(SIGNED).signed_octets


def test_a_document_indented_before_another_tool_signed_it_does_not_hold():
    # The digest there is over the indentation, the profile's is not: the industry's own tool refuses it, too.
    report = judge(shared_octets("made/signed_pretty_invalid.xml"))
    assert Problem.DIGEST_DIFFERS in report.problems
    assert report.signed_octets is None
    assert "without white space between elements" in Problem.DIGEST_DIFFERS.remedy


@pytest.mark.parametrize(
    "name",
    [
        "made/signed_by_python_valid.xml",
        "made/signed_by_tool_8.2.xml",
        "responses/readfw-response.xml",
        "responses/ECS52_11.2_SUCCESS_RESPONSE_DUIS.XML",
        "responses/sign-wrap/readfw-version-response.xml",
        "responses/signing-tool/readfw-response.xml",
        "responses/signing-tool/readfw-response-nonexist-serial.xml",
        "responses/signing-tool/read-inventory-response-5.4.xml",
    ],
)
def test_the_digest_of_captured_messages_agrees(name):
    report = judge(shared_octets(name))
    assert report.problems == (Problem.SIGNER_UNKNOWN,)
    assert report.signed_octets is not None


def test_a_captured_message_that_was_changed_is_refused():
    report = judge(shared_octets("responses/signing-tool/readfw-response-invalid.xml"))
    assert Problem.DIGEST_DIFFERS in report.problems


def test_a_cdata_section_within_a_text_hides_nothing_from_the_reader():
    # Canonical form makes text of it, so the signature holds; a reader that stops at one would see another device.
    two = sign(write_request(request(device_list=f"{PPMID},{EVIL.decode()}")), SIGNER)
    spoilt = two.replace(b"-A4," + EVIL, b"-A4<![CDATA[]]>," + EVIL)
    assert spoilt != two
    report = judge(spoilt)
    assert report
    assert read_request(parse_safely(report.signed_octets)).devices == (PPMID, Eui64.parse(EVIL.decode()))
    assert read_request(parse_safely(spoilt)).devices == (PPMID, Eui64.parse(EVIL.decode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b""),
        (b"ds:", b"sig:"),
        (b"ds:", b""),
        (b"<sr:Request ", b'<sr:Request xmlns:other="http://www.w3.org/2000/09/xmldsig#" '),
        (b"<sr:Request ", b'<sr:Request xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '),
        (b"</ds:Signature>", b"</ds:Signature>\n  "),
        (b"<sr:Body>", b"<sr:Body><![CDATA[<ds:Signature >]]>"),
        (b"<sr:Body>", b"<sr:Body a='&lt;ds:Signature>'>"),
    ],
)
def test_what_is_digested_is_the_document_without_its_signature_whatever_its_prefix(old, new):
    declared = b"xmlns:" + new.rstrip(b":") if new else b"xmlns"
    octets = SIGNED.replace(old, new)
    octets = octets.replace(b"xmlns:ds", declared) if old == b"ds:" else octets
    root = parse_safely(octets)
    bare = copy.deepcopy(root)
    bare.remove(bare[-1])
    assert _without_signature(root) == canonical(bare)
    assert canonical(root) == canonical(parse_safely(octets)), "the document stays as it is"


def test_a_comment_between_elements_changes_nothing():
    assert judge(SIGNED.replace(b"<sr:Body>", b"<!-- x --><sr:Body>"))
    assert judge(SIGNED.replace(b"<ds:KeyInfo>", b"<!-- x --><ds:KeyInfo>"))


# Everything that can be wrong ------------------------------------------------------------------------------------

SHA1 = b"http://www.w3.org/2000/09/xmldsig#sha1"
REFERENCE = SIGNED[SIGNED.index(b"<ds:Reference") : SIGNED.index(b"</ds:SignedInfo>")]
ALIEN = b'<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="5.4">'
BODY = SIGNED[SIGNED.index(b"<sr:Header>") : SIGNED.index(b"<ds:Signature")]
FORGED = BODY.replace(str(PPMID).encode(), EVIL)
OBJECT = b"<ds:Object>" + PLAIN.partition(b"?>")[2] + b"</ds:Object>"


def swap(old, new):
    assert old in SIGNED
    return SIGNED.replace(old, new)


def transform(algorithm):
    return f'<ds:Transform Algorithm="{algorithm}"/>'.encode()


def algorithm(element, value):
    return re.sub(rb"(<ds:%b Algorithm=\")[^\"]*" % element, lambda found: found[1] + value, SIGNED)


ONE, MORE = transform(ENVELOPED), "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
XPATH = f'<ds:Transform Algorithm="{DS}x"><ds:XPath>//sr:Header</ds:XPath></ds:Transform>'.encode()
DER = b64encode(encode_dss_signature(1 << 255, 1 << 255))

WRONG = {
    "unsigned": (PLAIN, Problem.NO_SIGNATURE),
    "two signatures": (swap(SIGNATURE, SIGNATURE + SIGNATURE), Problem.TWO_SIGNATURES),
    "a signature within the body too": (swap(b"<sr:Body>", b"<sr:Body>" + SIGNATURE), Problem.TWO_SIGNATURES),
    "a signature within the signature": (swap(b"</ds:KeyInfo>", b"</ds:KeyInfo>" + SIGNATURE), Problem.TWO_SIGNATURES),
    "first child": (ALIEN + SIGNATURE + BODY + b"</sr:Request>", Problem.SIGNATURE_NOT_LAST),
    "within the body": (
        SIGNED.replace(SIGNATURE, b"").replace(b"</sr:Body>", SIGNATURE + b"</sr:Body>"),
        Problem.SIGNATURE_NOT_LAST,
    ),
    "the root itself": (SIGNATURE, Problem.SIGNATURE_NOT_LAST),
    "text after it": (swap(b"</ds:Signature>", b"</ds:Signature>x"), Problem.SIGNATURE_NOT_LAST),
    "wrapped: original deep in a forged request": (
        ALIEN + FORGED + ALIEN + BODY + SIGNATURE + b"</sr:Request></sr:Request>",
        Problem.SIGNATURE_NOT_LAST,
    ),
    "wrapped: original within the signature": (
        ALIEN + FORGED + SIGNATURE.replace(b"</ds:Signature>", OBJECT + b"</ds:Signature>") + b"</sr:Request>",
        Problem.NOT_THE_PROFILE,
    ),
    "wrapped: original beside the forged body": (
        ALIEN + FORGED + BODY + SIGNATURE + b"</sr:Request>",
        Problem.DIGEST_DIFFERS,
    ),
    "wrapped: reference to an id": (
        ALIEN
        + FORGED
        + SIGNATURE.replace(b'URI=""', b'URI="#b"').replace(b"</ds:Signature>", OBJECT + b"</ds:Signature>")
        + b"</sr:Request>",
        (Problem.NOT_THE_PROFILE, Problem.REFERENCE_NOT_WHOLE_DOCUMENT),
    ),
    "reference elsewhere": (swap(b'URI=""', b'URI="http://h/"'), Problem.REFERENCE_NOT_WHOLE_DOCUMENT),
    "reference without URI": (swap(b' URI=""', b""), Problem.REFERENCE_NOT_WHOLE_DOCUMENT),
    "reference with an id": (swap(b'URI=""', b'URI="" Id="x"'), Problem.REFERENCE_NOT_WHOLE_DOCUMENT),
    "reference by XPointer": (swap(b'URI=""', b'URI="#xpointer(/)"'), Problem.REFERENCE_NOT_WHOLE_DOCUMENT),
    "two references": (swap(REFERENCE, REFERENCE * 2), Problem.NOT_ONE_REFERENCE),
    "no reference": (swap(REFERENCE, b""), Problem.NOT_ONE_REFERENCE),
    "a second transform": (swap(ONE, ONE + transform(MORE)), Problem.OTHER_TRANSFORMS),
    "the transform twice": (swap(ONE, ONE * 2), Problem.OTHER_TRANSFORMS),
    "no transform": (swap(ONE, b""), Problem.OTHER_TRANSFORMS),
    "another transform": (swap(ONE, transform(MORE)), Problem.OTHER_TRANSFORMS),
    "a filter": (swap(ONE, XPATH), (Problem.OTHER_TRANSFORMS, Problem.NOT_THE_PROFILE)),
    "inclusive canonical form": (algorithm(b"CanonicalizationMethod", MORE.encode()), Problem.OTHER_CANONICALIZATION),
    "canonical form with comments": (swap(b'exc-c14n#"', b'exc-c14n#WithComments"'), Problem.OTHER_CANONICALIZATION),
    "SHA-1 digest": (algorithm(b"DigestMethod", SHA1), Problem.OTHER_DIGEST_METHOD),
    "ECDSA with SHA-1": (swap(b"#ecdsa-sha256", b"#ecdsa-sha1"), Problem.OTHER_SIGNATURE_METHOD),
    "HMAC": (swap(b"more#ecdsa-sha256", b"more#hmac-sha256"), Problem.OTHER_SIGNATURE_METHOD),
    "no algorithm": (swap(b' Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"', b""), Problem.OTHER_DIGEST_METHOD),
    "an object": (swap(b"</ds:KeyInfo>", b"</ds:KeyInfo><ds:Object/>"), Problem.NOT_THE_PROFILE),
    "an element of another kind": (swap(b"<ds:KeyInfo>", b"<ds:KeyInfo><x/>"), Problem.NOT_THE_PROFILE),
    "a signature with an id": (swap(b"<ds:SignatureValue>", b'<ds:SignatureValue Id="x">'), Problem.NOT_THE_PROFILE),
    "no key info": (re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", SIGNED), Problem.NOT_THE_PROFILE),
    "a certificate of its own": (
        swap(b"<ds:X509Data>", b"<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate>"),
        Problem.NOT_THE_PROFILE,
    ),
    "text between": (swap(b"</ds:SignatureValue>", b"</ds:SignatureValue>x"), Problem.NOT_THE_PROFILE),
    "text before": (swap(b"<ds:KeyInfo>", b"<ds:KeyInfo>x"), Problem.NOT_THE_PROFILE),
    "an empty signature": (swap(SIGNATURE, f'<ds:Signature xmlns:ds="{DS}"/>'.encode()), Problem.NOT_THE_PROFILE),
    "a relative namespace": (swap(b"<sr:Header>", b'<sr:Header xmlns:x="y">'), Problem.NO_CANONICAL_FORM),
    "a relative namespace in the signature": (
        swap(b"<ds:Reference", b'<ds:Reference xmlns:x="y"'),
        Problem.NO_CANONICAL_FORM,
    ),
    "a changed device": (swap(b"-A4</", b"-A5</"), Problem.DIGEST_DIFFERS),
    "another root attribute": (swap(b'schemaVersion="5.4"', b'schemaVersion="5.3"'), Problem.DIGEST_DIFFERS),
    "another namespace declared": (swap(b"<sr:Header>", b'<sr:Header xmlns:x="urn:y">'), Problem.DIGEST_DIFFERS),
    "white space in a text": (swap(b"0123ABCD</", b"0123ABCD\n</"), Problem.DIGEST_DIFFERS),
    "a digest that is no base64": (
        resigned(re.sub(rb"(<ds:DigestValue>)[^<]*", rb"\1!", SIGNED)),
        Problem.DIGEST_DIFFERS,
    ),
    "a changed document signed by another key under the same name": (
        sign(PLAIN.replace(b"-A4</", b"-A5</"), credential(secret=99)),
        Problem.SIGNATURE_DIFFERS,
    ),
    "a value that is no base64": (
        swap(b"<ds:SignatureValue>", b"<ds:SignatureValue>!"),
        Problem.SIGNATURE_VALUE_MALFORMED,
    ),
    "a value in DER": (
        re.sub(rb"(<ds:SignatureValue>)[^<]*", lambda found: found[1] + DER, SIGNED),
        Problem.SIGNATURE_VALUE_MALFORMED,
    ),
    "no value": (
        re.sub(rb"<ds:SignatureValue>[^<]*</ds:SignatureValue>", b"<ds:SignatureValue/>", SIGNED),
        Problem.SIGNATURE_VALUE_MALFORMED,
    ),
    "a value of zeros": (
        re.sub(rb"(<ds:SignatureValue>)[^<]*", lambda found: found[1] + b64encode(bytes(64)), SIGNED),
        Problem.SIGNATURE_DIFFERS,
    ),
    "signed by another key under the same name": (sign(PLAIN, credential(secret=99)), Problem.SIGNATURE_DIFFERS),
    "signed by nobody we know": (sign(PLAIN, credential(serial=7)), Problem.SIGNER_UNKNOWN),
    "a serial that is no number": (swap(str(SERIAL).encode(), b"seven"), Problem.SIGNER_UNKNOWN),
    "a serial below zero": (swap(str(SERIAL).encode(), b"-7"), Problem.SIGNER_UNKNOWN),
    "a serial of megabytes": (swap(str(SERIAL).encode(), b"7" * 5_000_000), Problem.SIGNER_UNKNOWN),
    "another issuer": (swap(b"CN=Z1,OU=07", b"CN=Z2,OU=07"), Problem.SIGNER_UNKNOWN),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_signature_is_refused_for(name):
    octets, expected = WRONG[name]
    report = judge(octets)
    assert not report
    assert report.problems == (expected if isinstance(expected, tuple) else (expected,))
    with pytest.raises(SignatureRefused):
        require_signature(report)


@pytest.mark.parametrize("name", [name for name, (octets, _) in WRONG.items() if b"<ds:SignedInfo" in octets])
def test_signing_it_again_with_the_right_key_helps_none_that_departs_from_the_profile(name):
    octets, expected = WRONG[name]
    if expected in (Problem.SIGNATURE_DIFFERS, Problem.SIGNATURE_VALUE_MALFORMED, Problem.NO_CANONICAL_FORM):
        return  # signing again mends the first two, and can't be done for the last
    assert not judge(resigned(octets))


def test_every_problem_has_a_case_a_text_and_a_remedy():
    cases = [expected for _, expected in WRONG.values()]
    named = {problem for case in cases for problem in (case if isinstance(case, tuple) else (case,))}
    assert named == set(Problem)
    assert len({problem.text for problem in Problem}) == len(Problem)
    assert all(problem.remedy for problem in Problem)


def test_all_problems_are_told_at_once():
    octets = (
        swap(b"-A4</", b"-A5</").replace(b"CN=Z1", b"CN=Z2").replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>!")
    )
    report = judge(octets)
    assert report.problems == (Problem.DIGEST_DIFFERS, Problem.SIGNATURE_VALUE_MALFORMED, Problem.SIGNER_UNKNOWN)
    with pytest.raises(SignatureRefused) as caught:
        require_signature(report)
    assert caught.value.problems == report.problems
    assert all(problem.text in str(caught.value) for problem in report.problems)


def test_a_report_is_true_only_with_octets_and_signer_and_without_problems():
    held = SIGNER.certificate
    assert SignatureReport(b"x", held, ())
    assert not SignatureReport(None, held, ())
    assert not SignatureReport(b"x", None, ())
    assert not SignatureReport(b"x", held, (Problem.SIGNATURE_DIFFERS,))


def test_no_change_of_one_octet_is_taken_for_what_was_signed():
    signed = judge(SIGNED).signed_octets
    for place in range(len(SIGNED)):
        spoilt = bytearray(SIGNED)
        spoilt[place] ^= 1
        try:
            report = judge(bytes(spoilt))
        except DuisMalformed:
            continue
        assert not report or report.signed_octets == signed, bytes(spoilt[: place + 1])


# Other people's tools --------------------------------------------------------------------------------------------


def public_pem():
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return SIGNER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem():
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return SIGNER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_xmlsec_accepts_what_we_sign():
    import xmlsec

    root = etree.fromstring(SIGNED)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(public_pem(), xmlsec.KeyFormat.PEM)
    context.verify(root[-1])


def test_we_accept_what_xmlsec_signs_in_the_profile():
    import xmlsec

    root = etree.fromstring(re.sub(rb"(<ds:(?:DigestValue|SignatureValue)>)[^<]*", rb"\1", SIGNED))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(private_pem(), xmlsec.KeyFormat.PEM)
    context.sign(root[-1])
    theirs = etree.tostring(root)
    assert judge(theirs)
    assert judge(theirs).signed_octets == judge(SIGNED).signed_octets


def test_signxml_accepts_what_we_sign():
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_der_x509_certificate
    from signxml import SignatureConfiguration, XMLVerifier

    pem = load_der_x509_certificate(SIGNER.certificate.der).public_bytes(Encoding.PEM).decode()
    verified = XMLVerifier().verify(
        SIGNED,
        x509_cert=pem,
        expect_config=SignatureConfiguration(default_reference_c14n_method=_inclusive()),
    )
    assert verified.signed_data == judge(SIGNED).signed_octets


def _inclusive():
    from signxml import CanonicalizationMethod

    return CanonicalizationMethod.CANONICAL_XML_1_0


def test_what_signxml_signs_has_other_transforms_and_is_refused_for_just_that():
    from signxml import XMLSigner, methods

    signer = XMLSigner(
        method=methods.enveloped,
        c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
        signature_algorithm="ecdsa-sha256",
        digest_algorithm="sha256",
    )
    root = signer.sign(etree.fromstring(PLAIN), key=private_pem())
    assert Problem.OTHER_TRANSFORMS in judge(etree.tostring(root)).problems


def test_our_text_of_signed_info_is_in_its_canonical_form_but_for_the_namespace():
    digest = b64decode(re.search(rb"<ds:DigestValue>([^<]*)", SIGNED)[1])
    text = SIGNED_INFO.format(digest=b64encode(digest).decode())
    expected = text.replace("<ds:SignedInfo>", f'<ds:SignedInfo xmlns:ds="{DS}">')
    expected = re.sub(r"<(ds:\w+)([^>]*)/>", r"<\1\2></\1>", expected)
    assert _canonical_signed_info(text) == expected.encode()
