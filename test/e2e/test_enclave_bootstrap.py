# SPDX-License-Identifier: Apache-2.0
"""mse-bootstrap (E1): each option through the real program on a port, provisioned as the original's client does (E3)."""
import contextlib
import datetime
import http.client
import ipaddress
import os
import subprocess
import time

import pytest
import testenclave
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

NAME = testenclave.CONFIG_DOMAIN
END = int(time.time()) + 86400
APP = """
import json, os
def app(environ, start):
    start("200 OK", [("Content-Type", "text/plain")])
    try:
        secrets = open(os.environ["SECRETS_PATH"]).read()
    except FileNotFoundError:
        secrets = "none"
    return [secrets.encode()]
"""
DECIDED_BY_OPTIONS = ["MSE_LISTEN", "MSE_APPLICATION", "MSE_PLAINCODE", "CODE_PATH", "INSTANCE_PATH", "MSE_TEE", "MSE_RELEASE",
                      "MSE_OWNER_KEY", "MSE_CODE_KEY_ID"]


def bootstrap(build, *options, san=NAME, plaincode=False, measured="measured", mode=("--ratls", str(END))):
    """An enclave without settings but the paths of this test: what the options say is all it knows."""
    one = testenclave.Enclave(build, {"app.py": APP}, MSE_PLAINCODE="1" if plaincode else "0")
    one.argv = ["mse-bootstrap", "--host", "127.0.0.1", "--port", "0", "--app-dir", str(one.dir / "code"), "--id", one.uuid,
                *(["--san", san] if san else []), *mode, *options, "app:app"]
    for name in DECIDED_BY_OPTIONS:
        one.env.pop(name, None)
    one.env["MSE_ARGV"] = measured
    one.env["MSE_LOGS"] = "operator"
    return one


def provision(one, **changes):
    """As the original's client: no ticket."""
    return one.provision(one.body(**changes), ticket=None)


def certificate(one, sni=None):
    return x509.load_der_x509_certificate(one.certificate(sni))


def plain(one, method="GET", path="/", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", one.port(), timeout=20)
    connection.request(method, path, body=body)
    try:
        return testenclave.Response(connection.getresponse())
    finally:
        connection.close()


def owner_chain(directory, name):
    """An owner's certificate with an RSA key, as authorities give them."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(7).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False).sign(key, hashes.SHA256()))
    (directory / "chain.pem").write_bytes(made.public_bytes(ser.Encoding.PEM))
    return made, key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()).decode()


def test_ratls_the_whole_path(build):
    with bootstrap(build, "--subject", "CN=the app,O=Org") as one:
        one.start()
        waiting = one.get()
        assert (waiting.status, waiting.headers["Mse-Status"]) == (200, "Waiting")
        shown = certificate(one)
        assert shown.not_valid_after.replace(tzinfo=datetime.timezone.utc).timestamp() == END
        assert shown.subject.rfc4514_string() == "CN=the app,O=Org"
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == [NAME]
        assert provision(one, uuid="01234567-89ab-cdef-0123-456789abcdef").status == 401
        assert provision(one, code_secret_key="00" * 32).status == 401
        assert provision(one, app_secrets={"login": "bob"}).status == 200
        one.wait_running()
        assert one.get().text == '{"login":"bob"}'
        assert certificate(one) == shown, "the same certificate before and after"
        assert one.stop() == 0


def test_ratls_that_has_ended(build):
    with bootstrap(build, mode=("--ratls", "1000000000")) as one:
        one.start(wait=False)
        assert one.wait_exit() == 4
        assert "instance-invalid: the instance expired at 2001-09-09T01:46:40Z" in one.log_text()


@pytest.mark.parametrize("san", ["127.0.0.1", "::1"])
def test_san_may_be_an_address(build, san):
    with bootstrap(build, san=san) as one:
        one.start()
        names = certificate(one).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(san)]


def test_without_a_name_it_is_localhost(build):
    with bootstrap(build, san=None) as one:
        one.start()
        assert certificate(one).subject.rfc4514_string() == "CN=localhost"


def test_no_ssl_is_plain_for_the_application_and_never_for_secrets(build):
    with bootstrap(build, mode=("--no-ssl",)) as one:
        one.start()
        assert plain(one).headers["Mse-Status"] == "Waiting"
        assert plain(one, "POST", "/", '{"uuid": "%s"}' % one.uuid).status == 401
        assert "provisioning refused: it came without TLS" in one.log_text()
        assert provision(one).status == 200
        one.wait_running()
        assert plain(one).text == "none"
        assert one.get().text == "none", "and over TLS as well"
        assert plain(one, "POST", "/.well-known/mse/attestation", "{}").status >= 400


def test_without_no_ssl_nothing_is_plain(build):
    with bootstrap(build) as one:
        one.start()
        with pytest.raises((http.client.HTTPException, OSError)):
            plain(one)


def test_certificate_of_the_owner(build):
    with bootstrap(build, san="app.example.com", mode=("--certificate", "CHAIN")) as one:
        made, key = owner_chain(one.dir, "app.example.com")
        one.argv[one.argv.index("CHAIN")] = str(one.dir / "chain.pem")
        one.start()
        assert certificate(one, "app.example.com") != made, "until its key is here"
        assert provision(one).status == 401, "without the key"
        assert provision(one, ssl_private_key=key).status == 200
        one.wait_running()
        assert certificate(one, "app.example.com") == made
        assert certificate(one, "other.example.com") != made


def test_certificate_for_another_name(build):
    with bootstrap(build, "--domain", "other.example.com", mode=("--certificate", "CHAIN")) as one:
        owner_chain(one.dir, "app.example.com")
        one.argv[one.argv.index("CHAIN")] = str(one.dir / "chain.pem")
        one.start(wait=False)
        assert one.wait_exit() == 2
        assert "the owner's certificate is not for 'other.example.com'" in one.log_text()


def test_plaincode(build):
    with bootstrap(build, "--plaincode", plaincode=True) as one:
        one.start()
        assert provision(one, code_secret_key=None).status == 200
        one.wait_running()
        assert one.get().text == "none"


def test_timeout(build):
    with bootstrap(build, "--timeout", "1") as one:
        one.start()
        assert one.wait_exit() == 9


def test_debug_says_each_phase(build):
    with bootstrap(build, "--debug") as one:
        one.start()
        provision(one)
        one.wait_running()
        phases = [line.split(": ")[2].split(" after ")[0] for line in one.log_text().splitlines() if "phase: " in line]
        assert phases == ["settings read", "TEE and instance open", "listening, identity ready", "code decrypted",
                          "Python started", "application loaded"]


def test_what_nothing_measures_is_refused(build):
    with bootstrap(build, measured="") as one:
        one.start(wait=False)
        assert one.wait_exit() == 2
        assert "the application decides what runs, and nothing measures it" in one.log_text()


def test_a_measured_setting_is_never_overridden(build):
    with bootstrap(build) as one:
        one.env["MSE_APPLICATION"] = "other:app"
        one.start(wait=False)
        assert one.wait_exit() == 2
        assert "the measured setting 'MSE_APPLICATION' says 'other:app'" in one.log_text()


@pytest.mark.parametrize("argv, status, wanted", [
    (["--help"], 0, "usage: mse-bootstrap"),
    (["-h"], 0, "--certificate PEM"),
    (["--version"], 0, "mse-enclave 0."),
    ([], 2, "settings-invalid: '--app-dir' is missing"),
    (["--port", "x", "--app-dir", "/c", "--id", "1", "--no-ssl", "app:app"], 2, "settings-invalid: "),
    (["--wrong"], 2, "unknown option '--wrong'"),
])
@pytest.mark.parametrize("name", [["mse-bootstrap"], ["mse-enclave", "bootstrap"]])
def test_the_command_line(build, name, argv, status, wanted):
    done = subprocess.run([build / name[0], *name[1:], *argv], capture_output=True, text=True, timeout=20,
                          env={"MSE_ARGV": "measured"})
    assert (done.returncode, wanted in done.stdout) == (status, True), done.stdout


def test_its_standard_input_is_nobodys(build):
    """In a container it is the host's."""
    with bootstrap(build) as one:
        ours, theirs = os.pipe()
        one.more_descriptors = {0: ours, 9: ours}
        one.start()
        assert os.readlink(f"/proc/{one.process.pid}/fd/0") == "/dev/null"
        pipe = os.readlink(f"/proc/self/fd/{ours}")
        for number in os.listdir(f"/proc/{one.process.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # a connection may end meanwhile
                assert os.readlink(f"/proc/{one.process.pid}/fd/{number}") != pipe
        os.close(ours)
        os.close(theirs)
