# SPDX-License-Identifier: Apache-2.0
"""The RA-TLS certificate as other programs see it, and TLS as section 4 wants it."""
import datetime
import hashlib
import socket
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID

import ownertls
import testenclave

HELLO = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""


@pytest.fixture
def enclave(build):
    with testenclave.Enclave(build, {"app.py": HELLO}) as new:
        yield new


def parsed(enclave, sni=None):
    return x509.load_der_x509_certificate(enclave.certificate(sni))


def raw(certificate, oid):
    found = [e for e in certificate.extensions if e.oid.dotted_string == oid]
    assert len(found) == 1
    return found[0]


def test_contents(enclave):
    enclave.start()
    now = datetime.datetime.utcnow()
    cert = parsed(enclave)
    assert cert.version == x509.Version.v3
    assert 0 < cert.serial_number < 1 << 128
    assert cert.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256
    assert cert.subject == cert.issuer
    assert cert.subject.rfc4514_string() == "CN=" + testenclave.CONFIG_DOMAIN
    assert cert.not_valid_before <= now - datetime.timedelta(minutes=59)
    assert abs(cert.not_valid_after - now - datetime.timedelta(days=365)) < datetime.timedelta(minutes=5)
    names = raw(cert, "2.5.29.17")
    assert names.value.get_values_for_type(x509.DNSName) == [testenclave.CONFIG_DOMAIN]
    assert len(list(names.value)) == 1
    constraints = cert.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
    assert constraints.critical and constraints.value == x509.BasicConstraints(ca=False, path_length=None)
    usage = cert.extensions.get_extension_for_oid(ExtensionOID.KEY_USAGE)
    assert usage.critical and usage.value.digital_signature
    assert not (usage.value.key_cert_sign or usage.value.key_agreement or usage.value.crl_sign)
    extended = cert.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)
    assert list(extended.value) == [ExtendedKeyUsageOID.SERVER_AUTH] and not extended.critical
    assert cert.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    document = raw(cert, testenclave.OID_INSTANCE)
    assert document.value.value == enclave.document() and not document.critical
    assert len(list(cert.extensions)) == 7, [e.oid for e in cert.extensions]


def test_self_signature_and_report_data(enclave):
    enclave.start()
    cert = parsed(enclave)
    key = cert.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    key.verify(cert.signature, cert.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
    quote = raw(cert, testenclave.OID_QUOTE)
    assert not quote.critical
    point = key.public_bytes(ser.Encoding.X962, ser.PublicFormat.UncompressedPoint)
    report_data = quote.value.value[48 + 320:48 + 384]
    assert report_data[:32] == hashlib.sha256(point).digest()
    assert report_data[32:36] != b"mse-"
    assert enclave.tee.quotes == [report_data], "one quote, over the identity"
    assert quote.value.value == enclave.tee.quote(report_data), "raw in extnValue"


def test_every_start_is_another_enclave(enclave):
    enclave.start()
    first = parsed(enclave)
    enclave.stop()
    enclave.start()
    second = parsed(enclave)
    assert first.public_key().public_numbers() != second.public_key().public_numbers()
    assert first.serial_number != second.serial_number


def test_expiry_subject_and_two_names(build):
    with testenclave.Enclave(build, {"app.py": HELLO}) as enclave:
        enclave.instance.update(expires="2031-02-03T04:05:06Z", subject="CN=My App,O=Some Org,C=FR",
                                domain="app.example.com", tls="operator")
        enclave.write_instance()
        enclave.start()
        cert = parsed(enclave)
        assert cert.not_valid_after == datetime.datetime(2031, 2, 3, 4, 5, 6)
        assert cert.subject.rfc4514_string() == "CN=My App,O=Some Org,C=FR"
        names = raw(cert, "2.5.29.17").value.get_values_for_type(x509.DNSName)
        assert names == ["app.example.com", testenclave.CONFIG_DOMAIN]


def test_addresses_are_addresses(build):
    with testenclave.Enclave(build, {"app.py": HELLO}) as enclave:
        enclave.instance.update(domain="127.0.0.1", config_domain="127.0.0.1")
        enclave.write_instance()
        enclave.start()
        names = raw(parsed(enclave, "x.example"), "2.5.29.17").value
        assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
        assert names.get_values_for_type(x509.DNSName) == []


def test_openssl_and_gnutls_load_it(enclave, tmp_path):
    enclave.start()
    pem = tmp_path / "ratls.pem"
    pem.write_text(ssl.DER_cert_to_PEM_cert(enclave.certificate()))
    text = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-text"], check=True, capture_output=True,
                          text=True).stdout
    assert "CA:FALSE" in text and "TLS Web Server Authentication" in text and testenclave.OID_INSTANCE in text
    checked = subprocess.run(["openssl", "verify", "-x509_strict", "-partial_chain", "-CAfile", pem, "-purpose",
                              "sslserver", pem], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    text = subprocess.run(["certtool", "-i", "--infile", pem], check=True, capture_output=True, text=True).stdout
    assert "Digital signature" in text and testenclave.OID_INSTANCE in text and testenclave.CONFIG_DOMAIN in text


def test_pinned_by_python_and_by_curl(enclave, tmp_path):
    enclave.run()
    pem = tmp_path / "ratls.pem"
    pem.write_text(ssl.DER_cert_to_PEM_cert(enclave.certificate()))
    context = ssl.create_default_context(cafile=str(pem))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    raw_socket = socket.socket(socket.AF_UNIX)
    raw_socket.connect(str(enclave.dir / "run/app.sock"))
    with context.wrap_socket(raw_socket, server_hostname=testenclave.CONFIG_DOMAIN) as tls:
        assert enclave.get(tls=tls).text == "hello"
    answer = subprocess.run(["curl", "-sS", "--fail", "--cacert", pem, "--unix-socket", enclave.dir / "run/app.sock",
                             f"https://{testenclave.CONFIG_DOMAIN}/"], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (0, "hello"), answer.stderr


def openssl_client(enclave, *options, typed=b""):
    """openssl s_client through a TCP relay, since it cannot dial a unix socket with SNI of our choice otherwise."""
    return subprocess.run(["openssl", "s_client", "-unix", enclave.dir / "run/app.sock", "-servername",
                           testenclave.CONFIG_DOMAIN, *options], input=typed, capture_output=True, timeout=20)


def test_only_tls_1_3(enclave):
    enclave.start()
    for old in ("-tls1_2", "-tls1_1"):
        refused = openssl_client(enclave, old)
        assert refused.returncode != 0 and b"Cipher is (NONE)" in refused.stdout
    assert b"TLSv1.3" in openssl_client(enclave, "-tls1_3").stdout


def test_nothing_to_resume(enclave, tmp_path):
    enclave.start()
    session = tmp_path / "session"
    first = openssl_client(enclave, "-sess_out", session, typed=b"GET / HTTP/1.0\r\n\r\n")
    assert b"New Session Ticket" not in first.stdout and b"Post-Handshake" not in first.stdout
    assert b"Reused" not in first.stdout
    if session.exists():
        again = openssl_client(enclave, "-sess_in", session, "-early_data", "/dev/null")
        assert b"Reused, TLS" not in again.stdout and b"Early data was accepted" not in again.stdout


# ---- owner mode ----

@pytest.fixture(params=["rsa", "ec"])
def owned(build, request):
    """An instance in owner mode, with the owner's key and leaf."""
    key = rsa.generate_private_key(65537, 2048) if request.param == "rsa" else ec.generate_private_key(ec.SECP384R1())
    with ownertls.enclave(build, {"app.py": HELLO}, key) as enclave:
        yield enclave


def test_owner_chain_after_provisioning(owned):
    owned.start()
    ratls = owned.certificate(testenclave.CONFIG_DOMAIN)
    assert owned.certificate("app.example.com") == ratls, "before provisioning there is nothing else to show"
    assert owned.provision().status == 401, "no private key"
    other = ownertls.pem_of(ec.generate_private_key(ec.SECP256R1()))
    assert owned.provision(owned.body(ssl_private_key=other)).status == 401
    assert owned.provision(owned.body(ssl_private_key="rubbish")).status == 401
    assert owned.provision(owned.body(ssl_private_key=ownertls.pem_of(owned.owner_tls))).status == 200
    owned.wait_running()
    assert owned.certificate("app.example.com") == owned.owner_leaf
    assert owned.certificate("APP.example.com") == owned.owner_leaf
    assert owned.certificate(testenclave.CONFIG_DOMAIN) == ratls
    assert owned.get(sni="app.example.com").text == owned.get(sni=testenclave.CONFIG_DOMAIN).text == "hello"
    owned.stop()
    owned.start()
    owned.wait_running()
    assert owned.certificate("app.example.com") == owned.owner_leaf
    assert owned.certificate(testenclave.CONFIG_DOMAIN) == ratls
    names = raw(x509.load_der_x509_certificate(ratls), "2.5.29.17").value.get_values_for_type(x509.DNSName)
    assert names == ["app.example.com", testenclave.CONFIG_DOMAIN]


def test_a_chain_the_document_does_not_name(owned):
    other = ownertls.chain("app.example.com", ec.generate_private_key(ec.SECP256R1()))
    (owned.dir / "instance/fullchain.pem").write_bytes(other.public_bytes(ser.Encoding.PEM))
    owned.start(wait=False)
    assert owned.wait_exit() == 4
    assert "instance-invalid: the owner's chain is " in owned.log_text()
    (owned.dir / "instance/fullchain.pem").unlink()
    owned.start(wait=False)
    assert owned.wait_exit() == 4
