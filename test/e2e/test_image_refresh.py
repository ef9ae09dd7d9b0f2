# SPDX-License-Identifier: Apache-2.0
"""msed image refresh: after an upgrade of packages or of mse, while apps run."""
import hashlib
import json
import shutil
import signal

import pytest

import killing
import smallimages
import testcloud

FLASK = "mse-flask:20261122"


@pytest.fixture(scope="module")
def former(build, images, tmp_path_factory):
    """The image as it was before an upgrade, signed by a publisher: one file of Flask has another comment."""
    folder = tmp_path_factory.mktemp("former") / "images"
    shutil.copytree(images / FLASK, folder / FLASK, symlinks=True)
    bill = json.loads((folder / FLASK / "bill.json").read_text())
    entry = next(f for f in bill["files"] if f["path"].endswith("flask/__init__.py"))
    path = folder / FLASK / "root" / entry["path"]
    path.chmod(0o644)
    content = path.read_bytes() + b"# former\n"
    path.write_bytes(content)
    entry.update(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    text = folder / FLASK / "bill.json"
    text.write_text(json.dumps(bill, separators=(",", ":")))
    testcloud.run([build / "mse", "image", "key", folder / "publisher"])
    testcloud.run([build / "mse", "image", "sign", "--key", folder / "publisher", text])
    return folder


@pytest.fixture
def old_cloud(build, former, bills):
    own = testcloud.Cloud(build, bills=bills)
    try:
        own.init("--images-from", former)
        own.start()
        own.trust_and_login()
        yield own
    finally:
        assert own.remove() == []


def refresh(cloud, *more, check=True, env=None):
    return testcloud.run([cloud.program("msed"), "image", "refresh", "--data-dir", cloud.data, *more],
                         env=env or cloud.env, check=check)


def hidden(cloud):
    return [p.name for p in (cloud.data / "images").iterdir() if p.name.startswith(".")]


def deploy_former(cloud, former, project):
    """An app with the former image, whose bill nobody can recompute any more: the publisher is believed."""
    folder = project(cloud, "former")
    refused = cloud.mse("deploy", cwd=folder, check=False)
    assert refused.returncode == 1 and "bill-untrusted" in refused.stderr
    cloud.mse("trust", "add-publisher", former / "publisher.pub")
    return cloud.mse_json("deploy", cwd=folder)


def test_refresh_while_an_app_runs(old_cloud, former, images, project):
    cloud = old_cloud
    app = deploy_former(cloud, former, project)
    cloud.mse("verify", f"{app['domain_name']}:{cloud.port}", "--fingerprint", app["fingerprint"])
    certificate = cloud.folder / "former.pem"
    certificate.write_bytes((cloud.folder / "cert.pem").read_bytes())
    serving = refresh(cloud, "--images-from", images, check=False)
    assert serving.returncode == 1 and "stop msed for this" in serving.stderr
    poller = killing.Poller(cloud, app, certificate)
    try:
        cloud.kill(signal.SIGTERM)
        said = refresh(cloud, "--images-from", images, "--image", FLASK).stdout
        assert f"image {FLASK}: new, bill " in said and "kept for the apps" in said
        cloud.start()
        folder = project(cloud, "fresh")
        config = folder / "mse.toml"
        config.write_text(config.read_text().replace("4g-eu-001", "2g-eu-001"))
        fresh = cloud.mse_json("deploy", cwd=folder)
        assert fresh["fingerprint"] != app["fingerprint"]
    finally:
        poller.close()
    assert poller.asked > 5 and poller.failures == []

    # The machine goes down and comes up: each app starts from the files that its manifest names.
    cloud.kill()
    for pid, words in testcloud.processes_of(cloud.data):
        if words.split()[0].endswith("mse-sim"):
            testcloud.os.kill(pid, signal.SIGKILL)
    killing.wait_until(lambda: not killing.sandboxes(cloud))
    cloud.start()
    killing.wait_until(lambda: {a["status"] for a in cloud.mse_json("list")["apps"]} == {"running"})
    for one in (app, fresh):
        cloud.mse("verify", f"{one['domain_name']}:{cloud.port}", "--fingerprint", one["fingerprint"])

    cloud.mse("stop", app["id"], "-y")
    cloud.kill(signal.SIGTERM)
    said = refresh(cloud, "--images-from", images, "--image", FLASK).stdout
    assert f"image {FLASK}: unchanged" in said and f"a former {FLASK}: removed" in said
    assert hidden(cloud) == []
    cloud.start()
    assert [a["status"] for a in cloud.mse_json("list")["apps"]] == ["running"]
    cloud.mse("stop", fresh["id"], "-y")


def test_to_and_fro_while_an_app_runs(old_cloud, former, images, project):
    """Back to the image that an app still runs from: its files stay where they are, and it can start again from them."""
    cloud = old_cloud
    app = deploy_former(cloud, former, project)
    module = next((cloud.data / "images" / FLASK / "root").rglob("flask/__init__.py"))
    mounted = module.stat().st_ino
    cloud.kill(signal.SIGTERM)
    refresh(cloud, "--images-from", images, "--image", FLASK)
    assert module.stat().st_ino != mounted
    refresh(cloud, "--images-from", former, "--image", FLASK)
    assert module.stat().st_ino == mounted, "the very files that the sandbox has mounted"
    assert (cloud.data / "images" / FLASK / "bill.sig").exists()
    assert hidden(cloud) == [], "nobody needs the version in between"
    for pid, words in testcloud.processes_of(cloud.data):
        if words.split()[0].endswith("mse-sim"):
            testcloud.os.kill(pid, signal.SIGKILL)
    killing.wait_until(lambda: not killing.sandboxes(cloud))
    cloud.start()
    killing.wait_until(lambda: {a["status"] for a in cloud.mse_json("list")["apps"]} == {"running"})
    cloud.mse("verify", f"{app['domain_name']}:{cloud.port}", "--fingerprint", app["fingerprint"])
    cloud.mse("stop", app["id"], "-y")


def test_a_signature_that_came_later_is_taken(build, tmp_path):
    data = smallimages.data_dir(build, tmp_path, "same")
    news = smallimages.write(tmp_path / "news", "same")
    bill = news / smallimages.NAME / "bill.json"
    testcloud.run([build / "mse", "image", "key", tmp_path / "publisher"])
    testcloud.run([build / "mse", "image", "sign", "--key", tmp_path / "publisher", bill])
    said = smallimages.refresh(build, data, news)
    assert "unchanged" in said.stdout, said
    assert (data / "images" / smallimages.NAME / "bill.sig").read_bytes() == (bill.parent / "bill.sig").read_bytes()


def test_many_former_images_stop_nobody(build, tmp_path):
    """More than were ever kept before: read, and removed because no app needs them. At the limit: told, and no harm."""
    data = smallimages.data_dir(build, tmp_path, "one")
    for number in range(1025):
        kept = smallimages.write(tmp_path / "kept", str(number))
        (kept / smallimages.NAME).rename(data / "images" / f".{smallimages.NAME}-{number}")
    news = smallimages.write(tmp_path / "news", "two")
    refused = smallimages.refresh(build, data, news)
    assert refused.returncode == 1 and "more than 1024 former images" in refused.stderr
    shutil.rmtree(data / "images" / f".{smallimages.NAME}-7")
    refused = smallimages.refresh(build, data, news)
    assert refused.returncode == 1 and "owners must move on" in refused.stderr
    assert smallimages.current(data) == "one" and len(smallimages.hidden(data)) == 1024
    for number in range(8, 1000):
        shutil.rmtree(data / "images" / f".{smallimages.NAME}-{number}")
    assert smallimages.refresh(build, data, news).returncode == 0
    assert smallimages.current(data) == "two" and smallimages.hidden(data) == []


def test_what_cannot_be_made_changes_nothing(old_cloud, images, tmp_path):
    cloud = old_cloud
    cloud.kill(signal.SIGTERM)
    before = (cloud.data / "images" / FLASK / "bill.json").read_text()
    broken = tmp_path / "images"
    shutil.copytree(images / FLASK, broken / FLASK, symlinks=True)
    module = next((broken / FLASK / "root").rglob("flask/__init__.py"))
    module.chmod(0o644)
    module.write_text("changed\n")
    refused = refresh(cloud, "--images-from", broken, check=False)
    assert refused.returncode == 1 and "differs from its bill" in refused.stderr
    assert hidden(cloud) == [] and (cloud.data / "images" / FLASK / "bill.json").read_text() == before
    cloud.start()
