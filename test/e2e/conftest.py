# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: real programs, real haproxy, real sandboxes on free ports of the loopback."""
import os
import pathlib
import shutil
import signal
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "support"))
import attackers  # noqa: E402  (found by the line above)
import testcloud  # noqa: E402

# A shell that starts this in the background has it, and all it starts, ignore Ctrl-C, which tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

BUILD = pathlib.Path(os.environ.get("MSE_BUILD_DIR", ROOT / "build"))


@pytest.fixture(scope="session")
def build():
    assert (BUILD / "mse").exists(), f"no programs in {BUILD}: run make first"
    return BUILD


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def vectors():
    """The evidence vectors beside the repository; each test that needs them has a twin that does not."""
    path = ROOT.parent / "shared" / "vectors"
    if not path.is_dir():
        pytest.skip(f"no evidence vectors at {path}: the twin with our own test CA runs")
    return path


@pytest.fixture(scope="session")
def images(build):
    """The built-in images, built once: every other cloud of the session copies them (msed init --images-from)."""
    template = testcloud.Cloud(build)
    try:
        template.init()
        yield template.data / "images"
    finally:
        assert template.remove() == []


def started(build, images):
    new = testcloud.Cloud(build)
    try:
        new.init("--images-from", images)
        new.start()
        new.trust_and_login()
    except BaseException:
        new.remove()
        raise
    return new


def finished(used):
    log = used.log_text()
    left = used.remove()
    assert left == [], f"left running: {left}\n{log[-3000:]}"


@pytest.fixture(scope="session")
def cloud(build, images):
    """A running cloud, signed in, shared by the session: tests leave no app behind."""
    shared = started(build, images)
    yield shared
    finished(shared)


@pytest.fixture
def fresh_cloud(build, images):
    """A running cloud of the test's own, to be killed and tampered with."""
    own = started(build, images)
    yield own
    finished(own)


@pytest.fixture
def project(tmp_path):
    """Makes a scaffolded project: project(cloud, name) -> folder."""
    def make(cloud, name="helloworld"):
        cloud.mse("scaffold", name, cwd=tmp_path)
        return tmp_path / name
    return make


@pytest.fixture
def deployed(cloud, project):
    """A running helloworld on the shared cloud; stopped afterwards."""
    folder = project(cloud)
    app = cloud.mse_json("deploy", cwd=folder)
    app["folder"] = folder
    app["address"] = f"{app['domain_name']}:{cloud.port}"
    yield app
    cloud.mse("stop", app["id"], "-y", check=False)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def world(build):
    """A machine with a simulated TEE, for enclaves and attackers without a cloud."""
    new = attackers.World(build)
    yield new
    new.close()


@pytest.fixture(scope="module")
def victim(world):
    """A running, ticketed instance; the tests do not change it."""
    with world.enclave() as enclave:
        enclave.sent_ticket = enclave.start().ticket()
        assert enclave.provision(ticket=enclave.sent_ticket).status == 200
        enclave.wait_running()
        yield enclave


@pytest.fixture(scope="module")
def twin(world, victim):
    """The host's second copy: same release and document, never given the owner's keys."""
    with world.twin(victim) as enclave:
        yield enclave.start()
