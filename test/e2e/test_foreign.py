# SPDX-License-Identifier: Apache-2.0
"""What answers is not what was meant: another cloud's simulation, a plain TLS server, a copied certificate."""
import datetime
import pathlib
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import testcloud

QUOTE_OID = x509.ObjectIdentifier("1.2.840.113741.1337.6")


class TlsServer:
    """A TLS 1.3 server on the loopback that answers every request with a page."""

    def __init__(self, folder, certificate, key):
        import socket
        pem = folder / "server.pem"
        pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
                with self.context.wrap_socket(connection, server_side=True) as tls:
                    self.received += tls.recv(65536)
                    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def close(self):
        self.listener.close()


def certificate_for(name, key, extensions=()):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256())


def test_a_plain_tls_server(cloud, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    server = TlsServer(tmp_path, certificate_for("app.mse.localhost", key), key)
    try:
        result = cloud.mse("verify", f"app.mse.localhost:{server.port}", cwd=tmp_path, check=False)
    finally:
        server.close()
    assert result.returncode == 1
    assert "ratls-certificate" in result.stderr and "quote" in result.stderr
    assert not (tmp_path / "cert.pem").exists()
    assert b"GET" not in server.received


def test_a_copied_quote_under_another_key(cloud, deployed, tmp_path):
    cloud.mse("verify", deployed["address"], cwd=tmp_path)
    genuine = x509.load_pem_x509_certificate((tmp_path / "cert.pem").read_bytes())
    copied = [e for e in genuine.extensions if e.oid.dotted_string.startswith("1.2.840.113741.1337")]
    assert len(copied) == 2
    key = ec.generate_private_key(ec.SECP256R1())
    server = TlsServer(tmp_path, certificate_for(deployed["domain_name"], key, copied), key)
    (tmp_path / "cert.pem").unlink()
    try:
        result = cloud.mse("verify", f"{deployed['domain_name']}:{server.port}", cwd=tmp_path, check=False)
    finally:
        server.close()
    assert result.returncode == 1
    assert "binding" in result.stderr
    assert not (tmp_path / "cert.pem").exists()


def test_another_simulation_root_is_refused(cloud, deployed, build, images, tmp_path):
    other = testcloud.Cloud(build)
    try:
        other.init("--images-from", images, "--image", "mse-flask:20261122")
        env = cloud.client_env(tmp_path / "user")
        result = cloud.mse("verify", deployed["address"], "--allow-simulation", other.simulation_root, env=env,
                           cwd=tmp_path, check=False)
    finally:
        assert other.remove() == []
    assert result.returncode == 1
    assert "simulated" in result.stderr or "root-untrusted" in result.stderr


def test_simulation_is_refused_unless_asked_for(cloud, deployed, tmp_path):
    env = cloud.client_env(tmp_path / "user")
    result = cloud.mse("verify", deployed["address"], env=env, cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert "simulated" in result.stderr
    accepted = cloud.mse("verify", deployed["address"], "--allow-simulation", cloud.simulation_root, env=env,
                         cwd=tmp_path)
    assert accepted.stdout.splitlines()[0] == "SIMULATED: no hardware protects this"


@pytest.mark.parametrize("tool", [
    ["openssl", "x509", "-noout", "-text", "-in"],
    ["certtool", "--certificate-info", "--infile"],
    ["/usr/bin/python3", "-c", "import sys; from cryptography import x509; "
     "x509.load_pem_x509_certificate(open(sys.argv[1],'rb').read()).extensions"],
], ids=["openssl", "gnutls", "python"])
def test_others_load_our_certificate(cloud, deployed, tmp_path, tool):
    cloud.mse("verify", deployed["address"], cwd=tmp_path)
    result = testcloud.run([*tool, tmp_path / "cert.pem"])
    assert pathlib.Path(tool[0]).name != "openssl" or deployed["domain_name"] in result.stdout
