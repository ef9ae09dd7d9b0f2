# SPDX-License-Identifier: Apache-2.0
"""The API of apps over the real engine, spoken as the original's client speaks it; apps here wait for keys only."""
import json
import os
import pathlib
import signal
import socket
import sqlite3
import ssl
import time

import pytest

import apiclient
import testcloud

ACTIVE = "spawning,initializing,running"


def token_of(cloud, email=testcloud.EMAIL):
    return testcloud.run([cloud.program("msed"), "token", "create", "--data-dir", cloud.data, "--user", email],
                         env=cloud.env).stdout.strip()


@pytest.fixture(scope="module")
def token(cloud):
    return token_of(cloud)


@pytest.fixture
def api(cloud, token):
    """A client that leaves no active app behind."""
    client = apiclient.Client(cloud, token)
    yield client
    for app in client.get(f"/apps?status={ACTIVE}").json:
        client.ask("POST", f"/apps/{app['id']}/stop")
        wait_status(client, app["id"], "stopped", "on_error")


def wait_status(client, app_id, *wanted, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        app = client.get(f"/apps/{app_id}").json
        if app["status"] in wanted:
            return app
        time.sleep(0.02)
    raise AssertionError(f"{app['status']} ({app['reason']}), wanted {wanted}")


def deployed(client, **changes):
    answer = client.deploy(apiclient.conf(**changes))
    assert answer.status == 200, answer
    return answer.json


def test_an_app_waits_for_its_keys_and_stops(api):
    app = deployed(api)
    assert app["status"] == "spawning" and app["ssl_certificate_origin"] == "self"
    assert app["domain_name"] == app["config_domain_name"]
    assert len(app["fingerprint"]) == 64 and app["port"] == api.cloud.port
    instance = json.loads(app["instance"])
    assert (instance["uuid"], instance["expires"]) == (app["id"], app["expires_at"])
    waiting = wait_status(api, app["id"], "initializing")
    assert waiting["ready_at"] is None and waiting["stopped_at"] is None
    stopped = api.ask("POST", f"/apps/{app['id']}/stop")
    assert stopped.status == 200
    ended = wait_status(api, app["id"], "stopped")
    assert ended["stopped_at"] and ended["reason"] == "stopped by its owner"
    assert api.ask("POST", f"/apps/{app['id']}/stop").json["status"] == "stopped"


def test_the_original_reads_every_member_it_wants(api):
    app = deployed(api)
    full = {"id", "name", "project_id", "owner_id", "domain_name", "config_domain_name", "docker", "created_at",
            "ready_at", "stopped_at", "status", "hardware_name", "ssl_certificate_origin", "expires_at",
            "python_application", "healthcheck_endpoint"}
    assert full <= set(api.get(f"/apps/{app['id']}").json)
    partial = {"id", "name", "domain_name", "created_at", "ready_at", "stopped_at", "status", "hardware_name"}
    assert partial <= set(api.get("/apps").json[0])


def test_lists_are_filtered_and_paged(api):
    app = deployed(api, name="listed")
    project = api.get("/projects?name=default").json[0]["id"]
    assert [a["id"] for a in api.get(f"/apps?name=listed&status={ACTIVE}&project={project}").json] == [app["id"]]
    assert api.get("/apps?name=nothere").json == []
    assert api.get("/apps?status=running").json == []
    everything = [a["id"] for a in api.get("/apps").json]
    pages = [api.get(f"/apps?page={n}&per_page=1").json for n in range(1, len(everything) + 2)]
    assert [a["id"] for page in pages for a in page] == everything
    assert pages[-1] == []
    assert api.get("/apps?status=asleep").status == 400
    for query in ("page=0", "page=x", "per_page=0", "per_page=101"):
        assert api.get(f"/apps?{query}").status == 400
    assert api.get("/apps?per_page=100").status == 200


def test_the_texts_of_the_original(api):
    absent = "00000000-0000-0000-0000-000000000000"
    for answer in (api.get(f"/apps/{absent}"), api.get(f"/apps/{absent}/logs"), api.get(f"/apps/{absent}/metrics"),
                   api.ask("POST", f"/apps/{absent}/stop"), api.ask("DELETE", f"/apps/{absent}")):
        assert answer.status == 404 and answer.json["message"] == f"Cannot find the app with id {absent}"
    refused = api.deploy(apiclient.conf(name="non_free", hardware="64g-eu-001"))
    assert refused.json["message"] == \
        "Project `default` has not enough hardware available `64g-eu-001` to spawn app named `non_free`"
    refused = api.deploy(apiclient.conf(docker="ghcr.io/cosmian/mse-pytorch:notexist"))
    assert refused.json["message"] == \
        "Docker `ghcr.io/cosmian/mse-pytorch:notexist` is not approved or supported yet."
    refused = api.deploy(apiclient.conf(docker="ghcr.io/cosmian/mse-flask:latest"))
    assert refused.json["message"] == "You shouldn't use latest tag for the docker image"


def test_a_name_and_a_slot_are_taken_once(api):
    first = deployed(api, name="taken", hardware="2g-eu-001")
    assert api.deploy(apiclient.conf(name="taken", hardware="2g-eu-001")).status == 409
    deployed(api, name="other", hardware="4g-eu-001")
    refused = api.deploy(apiclient.conf(name="third", hardware="4g-eu-001"))
    assert refused.status == 409 and "`third`" in refused.json["message"]
    assert len([a for a in api.get(f"/apps?status={ACTIVE}").json if a["name"] == "taken"]) == 1
    assert first["id"] in [a["id"] for a in api.get("/apps").json]


def test_a_registry_in_front_of_the_image_is_fine(api):
    assert deployed(api, docker="ghcr.io/cosmian/mse-flask:20261122")["status"] == "spawning"


def redeployed(api, app, **changes):
    api.ask("POST", f"/apps/{app['id']}/stop")
    wait_status(api, app["id"], "stopped")
    return deployed(api, name=app["name"], **changes)


def test_the_domain_stays_while_the_ssl_mode_does(api):
    first = deployed(api, name="same")
    second = redeployed(api, first)
    assert (second["domain_name"], second["id"] != first["id"]) == (first["domain_name"], True)
    assert second["fingerprint"] == first["fingerprint"]
    operator = redeployed(api, second, dev_mode=True)
    assert operator["ssl_certificate_origin"] == "operator"
    assert operator["domain_name"] != first["domain_name"] and ".op." in operator["domain_name"]
    assert operator["config_domain_name"] != first["config_domain_name"]


def certificate(folder, name, days=10):
    key, cert = folder / "owner.key", folder / "owner.pem"
    testcloud.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", days,
                   "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"])
    return cert.read_text()


@pytest.fixture
def chain(tmp_path):
    return certificate(tmp_path, "demo.owner.example")


def test_owner_mode_takes_the_owners_chain(api, tmp_path):
    chain = certificate(tmp_path, "*.owner.example")
    app = deployed(api, hardware="2g-eu-001", domain_name="demo.owner.example", ssl_certificate=chain)
    assert app["ssl_certificate_origin"] == "owner" and app["domain_name"] == "demo.owner.example"
    assert app["config_domain_name"].endswith(api.cloud.base_domain)
    assert len(json.loads(app["instance"])["certificate"]) == 64
    text = api.cloud.data / "apps" / app["id"] / "instance" / "fullchain.pem"
    assert text.read_text() == chain
    wait_status(api, app["id"], "initializing")


@pytest.mark.parametrize("changes, wanted", [
    ({"domain_name": "demo.other.example"}, "do not cover"),
    ({"domain_name": None}, "go together"),
    ({"ssl_certificate": "nonsense"}, "ssl_certificate"),
    ({"expires_at": "2099-01-01T00:00:00.000000Z"}, "after the end of the certificate"),
], ids=["name", "alone", "nonsense", "expiry"])
def test_a_chain_that_does_not_fit_is_refused(api, tmp_path, changes, wanted):
    chain = certificate(tmp_path, "demo.owner.example")
    values = {"hardware": "2g-eu-001", "domain_name": "demo.owner.example", "ssl_certificate": chain, **changes}
    refused = api.deploy(apiclient.conf(**values))
    assert refused.status == 400 and wanted in refused.json["message"], refused


def test_expiry_rules(api):
    def lifetime(app):
        parse = lambda text: time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
        return parse(app["expires_at"]) - parse(app["created_at"])
    assert lifetime(deployed(api, name="free", expires_at="2099-01-01T00:00:00.000000Z")) == 4 * 3600
    assert lifetime(deployed(api, name="paid", hardware="2g-eu-001")) == 365 * 86400
    past = api.deploy(apiclient.conf(name="past", hardware="2g-eu-001", expires_at="2020-01-01T00:00:00.000000Z"))
    assert past.status == 400 and "in the past" in past.json["message"]


@pytest.mark.parametrize("changes, wanted", [
    ({"name": ""}, "'name'"), ({"name": None}, "'name' is missing"), ({"name": "x" * 256}, "255"),
    ({"python_application": "app"}, "module:variable"), ({"healthcheck_endpoint": "health"}, "'/'"),
    ({"project": "nothere"}, "Project nothere does not exist"), ({"owner_key": "xyz"}, "owner_key"),
    ({"logs": "owner"}, "log_key"), ({"egress": "everywhere"}, "egress"), ({"name": 7}, "name"),
    ({"expires_at": "tomorrow"}, "expires_at"), ({"hardware": "x" * 17}, "16"),
], ids=lambda value: "")
def test_conf_that_is_wrong_names_the_member(api, changes, wanted):
    refused = api.deploy(apiclient.conf(**changes))
    assert refused.status in (400, 404) and wanted in refused.json["message"], refused
    assert refused.json["request_id"] == refused.headers["X-Request-Id"]


def apps_on_disk(cloud):
    return sorted(p.name for p in (cloud.data / "apps").iterdir()), sorted((cloud.data / "tmp").iterdir())


def test_a_refused_upload_leaves_nothing(api):
    before = apps_on_disk(api.cloud)
    assert api.deploy(apiclient.conf(), tar=b"not a tar" * 200).status == 400
    assert api.deploy(apiclient.conf(), tar=apiclient.code_tar({"requirements.txt": b"flask>=99\n"})).status == 400
    assert api.deploy(apiclient.conf(), tar=b"").status == 400
    assert api.ask("POST", "/apps", b"", {"Content-Type": "multipart/form-data; boundary=x"}).status == 400
    assert api.ask("POST", "/apps", b"{}", {"Content-Type": "application/json"}).status == 400
    assert apps_on_disk(api.cloud) == before


def test_slow_uploads_do_not_take_every_thread(api):
    """One user gets two at once; everything else is answered meanwhile."""
    context = ssl.create_default_context(cafile=str(api.cloud.ca))
    head = (f"POST /apps HTTP/1.1\r\nHost: {api.host}\r\nAuthorization: Bearer {api.token}\r\n"
            "Content-Length: 1000000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n").encode()
    slow = []
    try:
        for count in (1, 2):
            raw = socket.create_connection(("127.0.0.1", api.cloud.port))
            slow.append(context.wrap_socket(raw, server_hostname=api.host))
            slow[-1].sendall(head)
            until = time.monotonic() + 10
            while len(list((api.cloud.data / "tmp").iterdir())) < count and time.monotonic() < until:
                time.sleep(0.02)
        refused = api.deploy(apiclient.conf())
        assert refused.status == 503 and "too many uploads" in refused.json["message"]
        assert api.get("/healthz").status == 200
    finally:
        for connection in slow:
            connection.close()
    until = time.monotonic() + 10
    while list((api.cloud.data / "tmp").iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert api.deploy(apiclient.conf()).status == 200


@pytest.mark.parametrize("text, wanted", [
    (b"flask>=99\n", "is not met"), (b"nothere\n", "is not in the image"), (b"-r other.txt\n", "not taken"),
    (b"https://evil.example/x.whl\n", "not taken"), (b"flask>=99 ; python_version < '3'\n", "not taken"),
])
def test_requirements_are_demands_on_the_image(api, text, wanted):
    tar = apiclient.code_tar({"requirements.txt": text, "app.py.enc": b"x" * 50})
    refused = api.deploy(apiclient.conf(), tar=tar)
    assert refused.status in (400, 422) and wanted in refused.json["message"], refused


def test_requirements_that_are_met(api):
    tar = apiclient.code_tar({"requirements.txt": b"# comment\n\nFlask >= 2.0, < 99\n", "app.py.enc": b"x" * 50})
    assert api.deploy(apiclient.conf(), tar=tar).status == 200


def test_events_come_when_they_happen(api):
    app = deployed(api)
    seen, last = [], 0
    while "initializing" not in seen:
        answer = api.get(f"/apps/{app['id']}/events?after={last}&wait=20").json
        assert answer["events"], "nothing in 20 seconds"
        seen += [event["status"] for event in answer["events"]]
        last = answer["last"]
    assert seen == ["spawning", "initializing"]
    started = time.monotonic()
    assert api.get(f"/apps/{app['id']}/events?after={last}&wait=1").json == {"events": [], "last": last}
    assert 0.8 < time.monotonic() - started < 5
    assert api.get(f"/apps/{app['id']}/events?wait=31").status == 400


def test_metrics_are_pairs(api):
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    metrics = api.get(f"/apps/{app['id']}/metrics").json
    assert {"average_queue_time", "average_connect_time", "average_response_time", "average_query_time",
            "amount_of_connection", "cpu_usage", "fs_usage", "throughput_in", "throughput_out"} <= set(metrics)
    assert all(len(pair) == 2 and abs(pair[0] - time.time()) < 60 for pair in metrics.values())


def test_logs_and_manifest(api):
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    assert "mse-enclave" in api.get(f"/apps/{app['id']}/logs").json["stdout"]
    assert "sgx.trusted_files" in api.get(f"/apps/{app['id']}/manifest").text
    api.ask("POST", f"/apps/{app['id']}/stop")
    wait_status(api, app["id"], "stopped")
    assert "mse-enclave" in api.get(f"/apps/{app['id']}/logs").json["stdout"]


def enclave_of(cloud, app_id):
    """The process that has the app's own directory mounted as its state."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "mse-enclave" \
                    and app_id in (entry / "mountinfo").read_text():
                return int(entry.name)
        except OSError:
            continue
    raise AssertionError("no enclave process")


def test_a_crash_is_seen_with_its_reason(api):
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    os.kill(enclave_of(api.cloud, app["id"]), signal.SIGKILL)
    ended = wait_status(api, app["id"], "on_error", seconds=10)
    assert ended["reason"] and ended["stopped_at"]
    assert not (api.cloud.data / "apps" / app["id"] / "code").exists() or \
        wait_gone(api.cloud.data / "apps" / app["id"] / "code")
    deployed(api)


def wait_gone(path):
    until = time.monotonic() + 10
    while path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return not path.exists()


def owned(chain, **changes):
    return {"name": "shop", "hardware": "2g-eu-001", "domain_name": "demo.owner.example", "ssl_certificate": chain, **changes}


def test_what_may_not_replace(api, chain):
    old, plain = deployed(api, **owned(chain)), deployed(api, name="plain")
    for changes, status, words in (
            ({"name": "other"}, 400, "is named `shop`"),
            ({"replaces": plain["id"], "name": "plain"}, 400, "the domain of the app"),
            ({"domain_name": None, "ssl_certificate": None}, 400, "owner's domain and certificate"),
            ({"dev_mode": True}, 400, "owner's domain and certificate"),
            ({"replaces": "everything"}, 400, "must be the uuid"),
            ({"replaces": "00000000-0000-0000-0000-000000000000"}, 404, "Cannot find the app"),
            ({"hardware": "4g-eu-001"}, 409, "beside the one that it replaces")):
        refused = api.deploy(apiclient.conf(**owned(chain, **{"replaces": old["id"], **changes})))
        assert refused.status == status and words in refused.json["message"], (changes, refused)
    assert api.deploy(apiclient.conf(**owned(chain))).status == 409


def test_one_waits_to_replace_another(api, chain):
    old = deployed(api, **owned(chain))
    new = deployed(api, **owned(chain, replaces=old["id"]))
    assert (new["replaces"], new["replaced_by"], old["replaces"]) == (old["id"], None, None)
    assert new["domain_name"] == old["domain_name"] and new["config_domain_name"] != old["config_domain_name"]
    refused = api.deploy(apiclient.conf(**owned(chain, replaces=old["id"])))
    assert refused.status == 409 and f"is being replaced by {new['id']} already" in refused.json["message"]
    refused = api.deploy(apiclient.conf(**owned(chain, replaces=new["id"])))
    assert refused.status == 409 and "has yet to replace" in refused.json["message"]
    wait_status(api, new["id"], "initializing")
    refused = api.ask("POST", f"/apps/{new['id']}/take-over")
    assert refused.status == 409 and "it is initializing" in refused.json["message"]
    assert api.ask("POST", f"/apps/{new['id']}/stop").status == 200
    wait_status(api, new["id"], "stopped")
    assert api.get(f"/apps/{old['id']}").json["replaced_by"] is None
    assert deployed(api, **owned(chain, replaces=old["id"]))["status"] == "spawning"


def test_what_is_somebody_elses_does_not_exist(cloud, api):
    testcloud.run([cloud.program("msed"), "user", "add", "--data-dir", cloud.data, "--email", "bob@example.com",
                   "--password-stdin"], env=cloud.env, stdin="another long password\n")
    bob = apiclient.Client(cloud, token_of(cloud, "bob@example.com"))
    app = deployed(api)
    project = api.get("/projects").json[0]["id"]
    assert bob.get("/apps").json == []
    for path in (f"/apps/{app['id']}", f"/apps/{app['id']}/logs", f"/apps/{app['id']}/events", f"/projects/{project}"):
        assert bob.get(path).status == 404
    for verb in ("stop", "take-over"):
        assert bob.ask("POST", f"/apps/{app['id']}/{verb}").status == 404
    assert [p["name"] for p in bob.get("/projects").json] == ["default"]


def test_paths_and_methods_that_are_not_there(api):
    assert api.get("/nothing").status == 404
    assert api.ask("PUT", "/apps").status == 405
    assert api.get("/apps/..%2f..%2fmsed.toml").status == 404
    assert api.get("/images/..%2f..%2fmsed.toml/bill").status == 404
    assert api.get("/hardwares/nothere").json["message"] == "Cannot find the hardware with name nothere"


def test_the_bill_is_the_stored_text(api):
    name = "mse-flask:20261122"
    assert name in [image["name"] for image in api.get("/images").json]
    assert api.get(f"/images/{name}/bill").body == (api.cloud.data / "images" / name / "bill.json").read_bytes()


def test_collateral_is_served_as_intel_does(api):
    client = apiclient.Client(api.cloud)
    base = "/sgx/certification/v4"
    der = client.get(f"{base}/pckcrl?ca=platform&encoding=der")
    assert der.status == 200 and der.body == (api.cloud.data / "sim" / "pck_crl.der").read_bytes()
    assert "BEGIN%20CERTIFICATE" in der.headers["SGX-PCK-CRL-Issuer-Chain"]
    assert bytes.fromhex(client.get(f"{base}/rootcacrl").text) == (api.cloud.data / "sim" / "root_crl.der").read_bytes()
    tcb_text = (api.cloud.data / "sim" / "tcb_info.json").read_bytes()
    fmspc = json.loads(tcb_text)["tcbInfo"]["fmspc"]
    answer = client.get(f"{base}/tcb?fmspc={fmspc.lower()}")
    assert answer.body == tcb_text and answer.headers["TCB-Info-Issuer-Chain"]
    assert client.get(f"{base}/tcb?fmspc=000000000000").status == 404
    assert client.get(f"{base}/pckcrl?ca=other").status == 400
    assert client.get(f"{base}/qe/identity").headers["SGX-Enclave-Identity-Issuer-Chain"]


def test_cloud_document(api):
    document = apiclient.Client(api.cloud).get("/cloud").json
    assert document["base_domain"] == api.cloud.base_domain and document["public_port"] == api.cloud.port
    assert document["ca"] == api.cloud.ca.read_text()
    assert document["simulation_root"] == api.cloud.simulation_root.read_text()
    assert document["tee"] == "sim" and document["issuer"].startswith("https://api.")


def test_every_move_is_in_the_history(api):
    app = deployed(api)
    wait_status(api, app["id"], "initializing")
    api.ask("POST", f"/apps/{app['id']}/stop")
    wait_status(api, app["id"], "stopped")
    with sqlite3.connect(f"file:{api.cloud.data / 'cloud.db'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT from_state, to_state FROM app_history WHERE app_id = ? ORDER BY id",
                                (app["id"],)).fetchall()
    assert rows == [(None, "spawning"), ("spawning", "initializing"), ("initializing", "stopped")]
