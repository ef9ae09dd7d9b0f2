# SPDX-License-Identifier: Apache-2.0
"""The driver for Gramine, against files that stand where Gramine's pseudo-files are: no SGX is needed or used.

What cannot be had here: that reading `quote` makes a quote over what was written to user_report_data. So the test looks
at what the driver wrote, and gives it a quote that has the right size and nothing else.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import testenclave

APP = """
import json, os
def ran(code):
    try:
        return eval(code)
    except Exception as error:
        return type(error).__name__
def tried(path):
    try:
        return open(path, "rb").read(4).hex()
    except PermissionError as error:
        return str(error)
def app(environ, start_response):
    start_response("200 OK", [])
    lines = json.loads(environ["wsgi.input"].read() or "[]")
    if lines:
        return [json.dumps([ran(line) for line in lines]).encode()]
    return [tried("/dev/attestation/" + environ["PATH_INFO"][1:]).encode()]
"""

MRENCLAVE = bytes(range(32))


class Boxed(testenclave.Enclave):
    """Starts in a mount namespace of its own with a made-up /dev/attestation."""

    def __init__(self, build, *options, **settings):
        super().__init__(build, {"app.py": APP}, MSE_TEE="gramine", **settings)
        self.options = options  # of bwrap
        self.tee.mrenclave = MRENCLAVE
        device = self.dir / "attestation"
        (device / "keys").mkdir(parents=True)
        (device / "attestation_type").write_text("dcap")
        (device / "user_report_data").write_bytes(b"")
        (device / "quote").write_bytes(self.tee.quote(bytes(64)))
        (device / "keys/_sgx_mrenclave").write_bytes(os.urandom(16))
        (device / "my_target_info").write_bytes(MRENCLAVE + bytes(512 - 32))
        self.device = device

    def _spawn(self, theirs, log_fd):
        argv = ["bwrap", "--bind", "/", "/", "--dev", "/dev", "--bind", self.device, "/dev/attestation",
                *self.options, "--die-with-parent", self.build.resolve() / "mse-enclave"]
        pid = os.posix_spawn(shutil.which("bwrap"), [str(part) for part in argv], self.env, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log_fd, 1),
            (os.POSIX_SPAWN_DUP2, log_fd, 2),
        ])
        return testenclave.Spawned(pid)


@pytest.fixture
def boxed(build):
    with Boxed(build) as enclave:
        yield enclave


def test_runs_seals_and_resumes(boxed):
    boxed.start()
    point_hash_and_key = (boxed.device / "user_report_data").read_bytes()
    assert len(point_hash_and_key) == 64 and point_hash_and_key[32:36] != b"mse-"
    # The quote is a fixed one, so the identity is what the driver wrote, not what is in the certificate.
    boxed.identity = lambda: point_hash_and_key
    assert boxed.provision().status == 200, boxed.log_text()
    boxed.wait_running()
    certificate = boxed.certificate()
    boxed.stop()
    boxed.start()
    boxed.wait_running()
    assert boxed.certificate() == certificate
    # Another CPU has another key: its blob does not open there.
    boxed.stop()
    (boxed.device / "keys/_sgx_mrenclave").write_bytes(os.urandom(16))
    boxed.start(wait=False)
    assert boxed.wait_exit() == 6


def test_the_application_cannot_open_the_device(boxed):
    boxed.start()
    written = (boxed.device / "user_report_data").read_bytes()
    boxed.identity = lambda: written
    assert boxed.provision().status == 200
    boxed.wait_running()
    for name in ("quote", "user_report_data", "keys/_sgx_mrenclave", "attestation_type"):
        assert boxed.get("/" + name).text.startswith("not available in an enclave"), name


# Linux asks for a capability, Gramine for nothing.
CHROOT = ["os.chroot('/dev')", "open('/attestation/user_report_data', 'wb').write(b'F' * 64)",
          "open('/attestation/quote', 'rb').read(4).hex()", "len(open('/attestation/keys/_sgx_mrenclave', 'rb').read())"]


def test_another_root_directory_leads_nowhere(build):
    """os.chroot raises no audit event, and under another root the device has another name."""
    with Boxed(build, "--cap-add", "ALL") as boxed:
        boxed.start()
        written = (boxed.device / "user_report_data").read_bytes()
        boxed.identity = lambda: written
        assert boxed.provision().status == 200
        boxed.wait_running()
        answer = boxed.request("POST", "/", body=json.dumps(CHROOT))
        assert json.loads(answer.text) == ["PermissionError"] + ["FileNotFoundError"] * 3
        assert (boxed.device / "user_report_data").read_bytes() == written
        # And where the device has a second name, it is still the device.
        answer = boxed.request("POST", "/", body=json.dumps([f"open('{boxed.device}/quote', 'rb').read(4).hex()",
                                                             f"os.listdir('{boxed.device}')"]))
        assert json.loads(answer.text) == ["PermissionError"] * 2


def test_without_an_enclave_chroot_is_the_systems(build):
    """The same program as an ordinary server: whoever may, can."""
    code = "import os\nos.chroot('/tmp')\nprint(os.path.exists('/usr'))\nraise SystemExit(0)\n"
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "rooted.py").write_text(code)
        done = subprocess.run(["bwrap", "--bind", "/", "/", "--dev", "/dev", "--unshare-user", "--cap-add", "ALL", "--die-with-parent",
                               build / "mse-enclave", "--plain", "rooted:app", "--bind", "127.0.0.1:0"], cwd=folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        assert done.stdout.startswith("False\n"), done


def test_the_host_does_not_choose_the_measurement(boxed):
    """Quotes come from the host: one of another enclave changes neither tickets nor sealed state."""
    other = testenclave.FakeTee(os.urandom(32))
    (boxed.device / "quote").write_bytes(other.quote(bytes(64)))
    boxed.start()
    written = (boxed.device / "user_report_data").read_bytes()
    boxed.identity = lambda: written
    assert boxed.provision(ticket=boxed.ticket(fingerprint=other.mrenclave)).status == 401
    assert boxed.provision().status == 200, boxed.log_text()


@pytest.mark.parametrize("name, content, wanted", [
    ("my_target_info", b"short", "my_target_info"),
    ("attestation_type", b"none", "remote attestation is 'none', expected 'dcap'"),
    ("attestation_type", b"x" * 100, "attestation_type"),
    ("quote", b"short", "too few for a report"),
    ("quote", b"x" * 20000, "quote"),
])
def test_what_is_not_gramine_is_refused(boxed, name, content, wanted):
    (boxed.device / name).write_bytes(content)
    boxed.start(wait=False)
    assert boxed.wait_exit() == 7
    assert "tee-failed: " in boxed.log_text() and wanted in boxed.log_text()


def test_a_short_sealing_key_is_refused(boxed):
    (boxed.device / "keys/_sgx_mrenclave").write_bytes(b"short")
    boxed.start()
    written = (boxed.device / "user_report_data").read_bytes()
    boxed.identity = lambda: written
    assert boxed.provision().status == 401
    assert "cannot seal the state" in boxed.log_text()
