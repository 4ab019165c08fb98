"""Memory states RenewChargingStationCertificate and RenewV2GChargingStationCertificate of Part 6: the station gets a new certificate."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from hil.certification.frames import StationCall
from hil.certification.memory_states import certificate_installed
from hil.certification.patterns import Payload
from hil.certification.trial import Trial
from hil.certification.validation import Step

COUNTRY = "NL"
"""What Part 6 sets CountryName to."""
CURVE_BITS_MIN, CAR_CURVE_BITS_MIN, RSA_BITS_MIN = 224, 256, 2048


async def station_certificate_renewed(trial: Trial, issuer: str) -> None:
    """A new certificate towards the central system, signed by this authority."""
    request = await signing_is_asked(trial, "SignChargingStationCertificate")
    await certificate_is_sent(trial, trial.keys.sign_request(request, issuer), "ChargingStationCertificate")


async def v2g_certificate_renewed(trial: Trial) -> None:
    """A new certificate towards cars for each SeccId of the station; one, where it has no SeccId.

    Part 6 lets the station know the root of the chain beforehand. The suite installs its own root over OCPP.
    """
    await certificate_installed(trial, "V2GRootCertificate", trial.keys.pem("v2g_root"))
    for variable, value in (
        ("V2GCertificateInstallationEnabled", "true"),
        ("CountryName", COUNTRY),
        ("OrganizationName", trial.configured.vendor_id),
    ):
        if await trial.has("ISO15118Ctrlr", variable):
            await trial.sets_where_there("ISO15118Ctrlr", variable, value)
    identities = [(evse, await trial.gets("ISO15118Ctrlr", "SeccId", evse)) for evse in trial.configured.connectors]
    for evse_id, identity in [named for named in identities if named[1]] or [(0, None)]:
        evse: Payload = {} if identity is None else {"evse": {"id": evse_id}}
        request = await signing_is_asked(trial, "SignV2GCertificate", kind="V2GCertificate", further=evse)
        _check_car_key(trial, request.public_key())
        if identity is not None:
            names = [str(name.value) for name in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
            trial.checks.true(3, f"the common name has the SeccId {identity}", any(identity in n for n in names), names)
        await certificate_is_sent(trial, trial.keys.sign_request(request, "cpo_sub2"), "V2GCertificate")


async def signing_is_asked(
    trial: Trial, message: str, status: str = "Accepted", *, kind: str | None = None, further: Payload | None = None
) -> x509.CertificateSigningRequest:
    """TriggerMessage, and the SignCertificate that follows, which is answered with this status. `kind`: its certificateType."""
    trial.csms.answers.order("SignCertificate", {"status": status})
    asked = {"requestedMessage": message, **(further or {})}
    await trial.calls(1, "TriggerMessage", asked, {"status": "Accepted"})
    call = await trial.expects(3, "SignCertificate", None if kind is None else {"certificateType": kind})
    return checked_request(trial, call)


def checked_request(trial: Trial, call: StationCall) -> x509.CertificateSigningRequest:
    """The request in a SignCertificate, checked."""
    try:
        request = x509.load_pem_x509_csr(str(call.payload["csr"]).encode())
    except ValueError as error:
        trial.checks.fail(
            3, "SignCertificateRequest.csr", str(error), "a certificate signing request in PEM (RFC 2986)"
        )
    trial.checks.true(3, "the signature of the csr is good", request.is_signature_valid)
    check_key(trial, 3, request.public_key())
    return request


def check_key(trial: Trial, step: Step, key: object) -> None:
    """Elliptic keys of 224 bits or more, RSA keys of 2048 bits or more."""
    size = key.key_size if isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) else 0
    least = RSA_BITS_MIN if isinstance(key, rsa.RSAPublicKey) else CURVE_BITS_MIN
    trial.checks.true(step, f"the key has {least} bits or more", size >= least, size)


def _check_car_key(trial: Trial, key: object) -> None:
    """Cars take certificates with elliptic keys alone."""
    size = key.key_size if isinstance(key, ec.EllipticCurvePublicKey) else 0
    words = f"the key is an elliptic one of {CAR_CURVE_BITS_MIN} bits or more"
    trial.checks.true(3, words, size >= CAR_CURVE_BITS_MIN, f"{type(key).__name__} with {size} bits")


async def certificate_is_sent(trial: Trial, chain: str, kind: str, status: str = "Accepted") -> None:
    """CertificateSigned and its answer."""
    payload = {"certificateChain": chain, "certificateType": kind}
    trial.needs_fresh_start = True
    await trial.calls(5, "CertificateSigned", payload, {"status": status})
