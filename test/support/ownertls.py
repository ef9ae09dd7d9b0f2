# SPDX-License-Identifier: Apache-2.0
"""An instance in owner mode: its owner's key and chain."""
import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.x509.oid import NameOID

import testenclave

DOMAIN = "app.example.com"


def chain(domain, key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(7).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=9))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), False).sign(key, hashes.SHA256()))


def pem_of(key):
    return key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()).decode()


def enclave(build, files, key, **settings):
    """One whose instance document names the chain of that key; .owner_tls and .owner_leaf are the two."""
    one = testenclave.Enclave(build, files, tls="owner", domain=DOMAIN, **settings)
    leaf = chain(DOMAIN, key)
    one.owner_tls, one.owner_leaf = key, leaf.public_bytes(ser.Encoding.DER)
    one.instance["certificate"] = hashlib.sha256(one.owner_leaf).hexdigest()
    one.write_instance()
    (one.dir / "instance/fullchain.pem").write_bytes(leaf.public_bytes(ser.Encoding.PEM))
    return one
