# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: real programs, real haproxy, real sandboxes on free ports of the loopback.

`make check-e2e` runs several processes of pytest, each a file at a time; they share nothing but the built-in images.
"""
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "support"))
import attackers  # noqa: E402  (found by the line above)
import testcloud  # noqa: E402

# A shell that starts this in the background has it, and all it starts, ignore Ctrl-C, which tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

FLASK = "mse-flask:20261122"
BUILD = pathlib.Path(os.environ.get("MSE_BUILD_DIR", ROOT / "build"))


def allow_python_its_leaks():
    """Under ASan programs end with their own exit codes, unless it is us who lose memory."""
    if (BUILD / "mse-enclave").exists() and b"libasan.so" in (BUILD / "mse-enclave").read_bytes():
        os.environ.setdefault("LSAN_OPTIONS", f"suppressions={ROOT}/test/support/lsan.supp:print_suppressions=0")
        os.environ.setdefault("ASAN_OPTIONS", "malloc_context_size=2")


allow_python_its_leaks()

SHARED = "MSE_TEST_SHARED"  # names a folder that all processes of this run use, made by the first
# What takes longest begins first, so that no process is left alone with one of these at the end.
LONG = ["test_demo.py", "test_cli_cloud.py", "test_kill.py", "test_cli_lost_answer.py", "test_foreign.py", "test_cloud_node.py",
        "test_image.py", "test_http2_rules.py", "test_asgi.py", "test_reproducible.py", "test_enclave_life.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if hasattr(config, "workerinput"):  # a short path for tmp_path: unix sockets below it have at most 107 bytes
        config.option.basetemp = os.path.join(os.environ[SHARED], config.workerinput["workerid"])
    else:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="mse-")


def pytest_unconfigure(config):
    if not hasattr(config, "workerinput"):
        testcloud.remove_tree(os.environ[SHARED])


def pytest_collection_modifyitems(items):
    order = {name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.name, len(LONG)))


@contextlib.contextmanager
def made_once(name):
    """(folder, True if this process is the one to fill it); the others wait until it is filled."""
    folder = pathlib.Path(os.environ[SHARED]) / name
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_first = not (folder / "done").exists()
        yield folder, is_first
        (folder / "done").touch()


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
    """The built-in images, built once: every other cloud of the run copies them (msed init --images-from)."""
    with made_once("images") as (folder, is_first):
        template = testcloud.Cloud(build, folder=folder)
        if is_first:
            template.init()
    return template.data / "images"


@pytest.fixture(scope="session")
def bills(build):
    """The bill of the usual image as a client computes it, once; the demo and test_install.py have clients compute it."""
    with made_once("bills") as (folder, is_first):
        if is_first:
            testcloud.run([build / "mse", "image", "bill", FLASK, "--json"], env={**os.environ, "MSE_CONF_PATH": str(folder)})
    return folder / "bills"


def started(build, images, bills, *more):
    new = testcloud.Cloud(build, bills=bills)
    try:
        new.init("--images-from", images, *more)
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
def cloud(build, images, bills):
    """A running cloud, signed in, shared by the session: tests leave no app behind."""
    shared = started(build, images, bills)
    yield shared
    finished(shared)


@pytest.fixture
def fresh_cloud(build, images, bills):
    """A running cloud of the test's own with the usual image alone, to be killed and tampered with."""
    own = started(build, images, bills, "--image", FLASK)
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
