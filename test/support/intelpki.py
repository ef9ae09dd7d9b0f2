# SPDX-License-Identifier: Apache-2.0
"""Collateral that a test signs itself, of any date and number: a root, a TCB signer and a Platform CA as Intel has
them, for test/e2e/test_collateral_keeping.py."""
import datetime
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import collateralserver as cs

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
FMSPC = "00A06D080000"


def name(text):
    return x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, f"Test SGX {text}")])


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def text(date):
    return date.strftime("%Y-%m-%dT%H:%M:%SZ")


class Authority:
    """One name with a key, certified by an issuer or by itself."""

    def __init__(self, common_name, issuer=None, is_ca=True):
        self.key = ec.generate_private_key(ec.SECP256R1())
        issuer = issuer or self
        self.name = name(common_name)
        usage = {use: False for use in ("digital_signature", "content_commitment", "key_encipherment",
                                        "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
                                        "encipher_only", "decipher_only")}
        usage.update({"key_cert_sign": True, "crl_sign": True} if is_ca else {"digital_signature": True})
        self.cert = (x509.CertificateBuilder().subject_name(self.name).issuer_name(issuer.name)
                     .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                     .not_valid_before(NOW - 900 * DAY).not_valid_after(NOW + 900 * DAY)
                     .add_extension(x509.BasicConstraints(is_ca, None), True)
                     .add_extension(x509.KeyUsage(**usage), True).sign(issuer.key, hashes.SHA256()))

    def crl(self, this_update, next_update, number, revoked=()):
        aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = (x509.CertificateRevocationListBuilder().issuer_name(self.name).last_update(this_update)
                   .next_update(next_update).add_extension(x509.CRLNumber(number), False).add_extension(aki, False))
        for other in revoked:
            builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(
                other.cert.serial_number).revocation_date(this_update).build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return (r.to_bytes(32, "big") + s.to_bytes(32, "big")).hex()


class Pki:
    def __init__(self, folder):
        self.root, folder = Authority("Root CA"), folder
        self.signer = Authority("TCB Signing", self.root, is_ca=False)
        self.platform = Authority("PCK Platform CA", self.root)
        self.root_file = folder / "root.pem"
        self.root_file.write_bytes(pem(self.root.cert))

    def replace_signer(self):
        """The one that signed until now."""
        before, self.signer = self.signer, Authority("TCB Signing", self.root, is_ca=False)
        return before

    def signed(self, outer, members, number, issued, ends):
        body = json.dumps({**members, "version": 3, "issueDate": text(issued), "nextUpdate": text(ends),
                           "tcbEvaluationDataNumber": number}, separators=(",", ":"))
        return f'{{"{outer}":{body},"signature":"{self.signer.sign(body.encode())}"}}'.encode()

    def items(self, number=17, issued=NOW - DAY, ends=NOW + 29 * DAY, lists=NOW - DAY, revoked=()):
        """All that a PCCS serves for FMSPC; lists: thisUpdate of both; revoked: by the root."""
        chain = pem(self.signer.cert) + pem(self.root.cert)
        return cs.Items(
            fmspc=FMSPC, ca="platform", tee="sgx", tcb_chain=chain, qe_chain=chain,
            tcb_info=self.signed("tcbInfo", {"id": "SGX", "fmspc": FMSPC}, number, issued, ends),
            qe_identity=self.signed("enclaveIdentity", {"id": "QE"}, number, issued, ends),
            pck_crl=self.platform.crl(lists, ends, number), root_crl=self.root.crl(lists, ends, number, revoked),
            pck_crl_chain=pem(self.platform.cert) + pem(self.root.cert))
