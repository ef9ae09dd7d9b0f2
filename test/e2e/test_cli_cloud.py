# SPDX-License-Identifier: Apache-2.0
"""What mse does with a cloud: trust, the three ways to sign in, TLS modes, replacing, expiry, contexts."""
import datetime
import html.parser
import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import time
import urllib.parse
import uuid

import pytest

import attestcommand
import killing
import lyingapi
import testcloud
from browser import BROWSER, browse


class Browser:
    """As much of a browser as a login form needs: cookies, hidden fields, no script."""

    def __init__(self, cloud):
        self.context = ssl.create_default_context(cafile=str(cloud.ca))
        self.port = cloud.port
        self.host = cloud.api.split(":")[0]
        self.cookies = {}

    def request(self, method, target, form=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=20)
        sock = __import__("socket").create_connection(("127.0.0.1", self.port), 20)
        connection.sock = self.context.wrap_socket(sock, server_hostname=self.host)
        headers = {"Host": f"{self.host}:{self.port}", "Origin": f"https://{self.host}:{self.port}",
                   "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = urllib.parse.urlencode(form) if form else None
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, target, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return answer, text

    def fill_in(self, target, **fields):
        """GET a page, send its form with these fields."""
        answer, text = self.request("GET", target)
        assert answer.status == 200, text
        form = Form()
        form.feed(text)
        return self.request("POST", form.action, {**form.fields, **fields})


class Form(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.fields = {}
        self.action = None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.action = attributes["action"]
        if tag == "input":
            self.fields[attributes["name"]] = attributes.get("value", "")


@pytest.fixture
def stranger(cloud, tmp_path):
    """The environment of somebody who trusts the cloud but is not signed in."""
    env = cloud.client_env(tmp_path / "home")
    cloud.mse("trust", "add", cloud.url, "--fingerprint", cloud.fingerprint_of_ca(), env=env)
    return env


def login(cloud, env, *options):
    return subprocess.Popen([cloud.program("mse"), "cloud", "login", *options], env=env, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def authorize_url(process):
    for line in process.stderr:
        if line.startswith("https://"):
            return urllib.parse.urlsplit(line.strip())
    raise AssertionError("no URL was printed")


def follow(location):
    """What the browser does with the redirect to the command's own listener."""
    target = urllib.parse.urlsplit(location)
    assert target.hostname == "127.0.0.1"
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)
    connection.request("GET", f"{target.path}?{target.query}")
    answer = connection.getresponse()
    return answer, answer.read().decode()


def credentials():
    return {"email": testcloud.EMAIL, "password": testcloud.PASSWORD}


def test_browser_sign_in(cloud, stranger):
    process = login(cloud, stranger)
    url = authorize_url(process)
    query = dict(urllib.parse.parse_qsl(url.query))
    assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
    answer, _ = Browser(cloud).fill_in(f"{url.path}?{url.query}", **credentials())
    assert answer.status in (302, 303)
    page, text = follow(answer.headers["Location"])
    assert page.status == 200 and "signed in" in text
    out, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert out == f"You are signed in as {testcloud.EMAIL} to {cloud.url}\n"
    path = os.path.join(stranger["MSE_CONF_PATH"], "login.toml")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert f'email = "{testcloud.EMAIL}"' in open(path).read()
    assert cloud.mse_json("login", "--whoami", env=stranger)["email"] == testcloud.EMAIL
    again = cloud.mse("login", env=stranger)
    assert "already signed in" in again.stderr
    assert cloud.mse("logout", env=stranger).returncode == 0
    assert not os.path.exists(path)
    refused = cloud.mse("login", "--whoami", env=stranger, check=False)
    assert refused.returncode == 1 and "use 'mse cloud login'" in refused.stderr


def test_browser_with_another_state_is_refused(cloud, stranger):
    process = login(cloud, stranger)
    query = dict(urllib.parse.parse_qsl(authorize_url(process).query))
    page, text = follow(query["redirect_uri"] + "?code=stolen&state=wrong")
    _, errors = process.communicate(timeout=20)
    assert page.status == 400 and process.returncode == 1
    assert "another state" in errors
    assert not os.path.exists(os.path.join(stranger["MSE_CONF_PATH"], "login.toml"))


def test_browser_goes_on_to_the_console(cloud, stranger):
    process = login(cloud, {**stranger, "MSE_CONSOLE_URL": "https://console.example.org"})
    url = authorize_url(process)
    answer, _ = Browser(cloud).fill_in(f"{url.path}?{url.query}", **credentials())
    page, _ = follow(answer.headers["Location"])
    assert page.status == 302 and page.headers["Location"] == "https://console.example.org/?origin=cli"
    process.communicate(timeout=20)
    assert process.returncode == 0


def test_two_sign_ins_at_once_take_two_ports(cloud, stranger):
    first, second = login(cloud, stranger), login(cloud, stranger)
    ports = {urllib.parse.urlsplit(dict(urllib.parse.parse_qsl(authorize_url(p).query))["redirect_uri"]).port
             for p in (first, second)}
    assert len(ports) == 2
    for process in (first, second):
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 130 and "interrupted" in errors


def test_device_sign_in(cloud, stranger):
    process = login(cloud, stranger, "--device")
    line = process.stderr.readline()
    code = re.search(r"enter the code ([A-Z]{4}-[A-Z]{4})", line).group(1)
    assert "/activate" in line
    answer, text = Browser(cloud).fill_in(f"/activate?user_code={code}", answer="yes", **credentials())
    assert answer.status == 200, text
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert testcloud.EMAIL in out


def test_device_sign_in_refused(cloud, stranger):
    process = login(cloud, stranger, "--device")
    code = re.search(r"enter the code ([A-Z]{4}-[A-Z]{4})", process.stderr.readline()).group(1)
    Browser(cloud).fill_in(f"/activate?user_code={code}", answer="no", **credentials())
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1 and "refused: access_denied" in errors


def test_tokens_are_refreshed_and_rotate(cloud, stranger):
    process = login(cloud, stranger)
    url = authorize_url(process)
    answer, _ = Browser(cloud).fill_in(f"{url.path}?{url.query}", **credentials())
    follow(answer.headers["Location"])
    process.communicate(timeout=20)
    path = os.path.join(stranger["MSE_CONF_PATH"], "login.toml")
    before = open(path).read()
    with open(path, "w") as file:
        file.write(re.sub(r"access_refresh = \d+", "access_refresh = 1", before))
    commands = [subprocess.Popen([cloud.program("mse"), "list"], env=stranger, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for command in commands:
        _, errors = command.communicate(timeout=20)
        assert command.returncode == 0, errors
    after = open(path).read()
    token = re.compile(r'refresh_token = "(.*)"')
    assert token.search(after).group(1) != token.search(before).group(1)


def test_a_token_that_is_none(cloud, stranger):
    result = cloud.mse("login", "--token-stdin", stdin="mse_nonsense\n", env=stranger, check=False)
    assert result.returncode == 1 and "sign in again" in result.stderr
    assert not os.path.exists(os.path.join(stranger["MSE_CONF_PATH"], "login.toml"))
    empty = cloud.mse("login", "--token-stdin", stdin="\n", env=stranger, check=False)
    assert "there is no token on the standard input" in empty.stderr


def test_trust_is_a_decision(cloud, tmp_path):
    env = cloud.client_env(tmp_path / "home")
    nobody = cloud.mse("trust", "add", cloud.url, env=env, check=False)
    assert nobody.returncode == 1 and cloud.fingerprint_of_ca() in nobody.stderr
    wrong = cloud.mse("trust", "add", cloud.url, "--fingerprint", "ab" * 32, env=env, check=False)
    assert wrong.returncode == 1 and "shows a CA with fingerprint" in wrong.stderr
    assert cloud.mse_json("trust", "list", env=env) == {"clouds": [], "publishers": []}
    untrusted = cloud.mse("list", env={**env, "MSE_BASE_URL": cloud.url}, check=False)
    assert untrusted.returncode == 1
    capitals = ":".join(re.findall("..", cloud.fingerprint_of_ca().upper()))
    assert cloud.mse("trust", "add", cloud.url + "/", "--fingerprint", capitals, env=env).returncode == 0
    entry = cloud.mse_json("trust", "list", env=env)["clouds"][0]
    assert entry["url"] == cloud.url and entry["base_domain"] == "mse.localhost"
    assert cloud.mse("trust", "remove", cloud.url, env=env).returncode == 0
    assert "no cloud is known" in cloud.mse("list", env=env, check=False).stderr


def edit(folder, old, new):
    path = folder / "mse.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def deploy(cloud, project):
    """Deploys a project and stops it afterwards: deploy(folder, *options) -> answer."""
    started = []

    def run(folder, *options):
        app = cloud.mse_json("deploy", *options, cwd=folder)
        app["address"] = f"{app['domain_name']}:{cloud.port}"
        started.append(app["id"])
        return app

    yield run
    for app_id in started:
        cloud.mse("stop", app_id, "-y", check=False)


def certificate(folder, name):
    testcloud.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out",
                   folder / "chain.pem", "-days", "30", "-subj", f"/CN={name}", "-addext",
                   f"subjectAltName=DNS:{name}"])


def add_ssl(folder, name="app.owner.localhost"):
    certificate(folder, name)
    with open(folder / "mse.toml", "a") as file:
        file.write(f'[cloud.ssl]\ndomain_name = "{name}"\nprivate_key = "key.pem"\ncertificate = "chain.pem"\n')


def speaks_http2(cloud, app, *trust):
    """Through haproxy, which passes TLS on as it is: the client and the enclave agree on the protocol."""
    url = f"https://{app['address']}/"
    for version, wanted in ("--http2", "2"), ("--http1.1", "1.1"):
        answer = cloud.curl(url, version, "-w", " %{http_version}", *trust)
        assert answer.stdout == f"Hello world {wanted}"
    host, port = app["address"].split(":")
    loaded = testcloud.run(["h2load", f"--connect-to=127.0.0.1:{port}", "-c4", "-m10", "-n200", url])
    assert "200 succeeded, 0 failed, 0 errored" in loaded.stdout, loaded.stdout
    assert re.search(r"Application protocol: h2$", loaded.stdout, re.M), loaded.stdout
    # The name for SNI comes from the field: nghttp has no --resolve.
    said = testcloud.run(["nghttp", "-v", "--no-dep", "-m5", "-H", f":authority: {host}", f"https://127.0.0.1:{port}/"]).stdout
    assert "The negotiated protocol: h2" in said and said.count(":status: 200") == 5, said
    assert said.count("Hello world") == 5, said


PAGE = """
@app.get("/page")
def page():
    return "<body>waiting<script>fetch('/').then(answer => answer.text()).then(text => { document.body.textContent = text + ' over '" \
           " + performance.getEntriesByType('navigation')[0].nextHopProtocol; });</script>"
"""


def browser_speaks_http2(app, tmp_path):
    text = browse(tmp_path, f"https://{app['address']}/page", "--ignore-certificate-errors",
                  f"--host-resolver-rules=MAP {app['domain_name']} 127.0.0.1")
    assert "<body>Hello world over h2</body>" in text, text


def test_owner_mode(cloud, project, deploy, tmp_path):
    folder = project(cloud, "owned")
    add_ssl(folder)
    with open(folder / "mse_src" / "app.py", "a") as file:
        file.write(PAGE)
    app = deploy(folder)
    assert app["ssl_certificate_origin"] == "owner" and app["domain_name"] == "app.owner.localhost"
    speaks_http2(cloud, app, "--cacert", folder / "chain.pem")
    if BROWSER:  # on every machine that tools/install-packages has seen
        browser_speaks_http2(app, tmp_path)
    context = os.path.join(cloud.env["MSE_CONF_PATH"], "context", app["id"], "context.mse")
    verdict = cloud.mse_json("verify", app["address"], "--context", context, "--code", folder / "mse_src", cwd=tmp_path)
    assert verdict["verdict"] == "accept" and verdict["measurement"] == app["fingerprint"]
    assert verdict["fingerprint_from"] == "recomputed" and verdict["bill"] == "recomputed"
    leaf = ssl.PEM_cert_to_DER_cert((folder / "chain.pem").read_text())
    assert ssl.PEM_cert_to_DER_cert((tmp_path / "cert.pem").read_text()) == leaf
    assert cloud.mse("test", app["id"]).returncode == 0


def test_an_owner_renews_the_chain_by_a_new_deployment(cloud, project, deploy, tmp_path):
    """The chain's hash and end are in what the owner's ticket signs: docs/decisions/0010-renewal.md. The free hardware has
    no room for two, so here the first one is stopped; test_take_over.py has the usual way."""
    folder = project(cloud, "renewed")
    add_ssl(folder, "renewed.owner.localhost")
    first = deploy(folder)
    old = (folder / "chain.pem").read_bytes()
    certificate(folder, "renewed.owner.localhost")
    refused = cloud.mse("deploy", "-y", cwd=folder, check=False)
    assert refused.returncode == 1 and "not enough hardware" in refused.stderr and "--stop-first" in refused.stderr
    assert [(a["id"], a["status"]) for a in cloud.mse_json("list")["apps"]] == [(first["id"], "running")]
    second = deploy(folder, "-y", "--stop-first")
    assert (second["domain_name"], second["fingerprint"]) == (first["domain_name"], first["fingerprint"])
    assert cloud.curl(f"https://{second['address']}/", cacert=folder / "chain.pem").stdout == "Hello world"
    (tmp_path / "old.pem").write_bytes(old)
    assert cloud.curl(f"https://{second['address']}/", cacert=tmp_path / "old.pem", check=False).returncode == 60
    context = os.path.join(cloud.env["MSE_CONF_PATH"], "context", second["id"], "context.mse")
    verdict = cloud.mse_json("verify", second["address"], "--context", context, "--code", folder / "mse_src", cwd=tmp_path)
    assert verdict["verdict"] == "accept"


def test_operator_mode(cloud, project, deploy, tmp_path):
    folder = project(cloud, "open")
    add_ssl(folder)  # ignored here
    app = deploy(folder, "--untrusted-ssl")
    assert app["ssl_certificate_origin"] == "operator" and ".op.mse.localhost" in app["domain_name"]
    assert cloud.curl(f"https://{app['address']}/").stdout == "Hello world"
    context = os.path.join(cloud.env["MSE_CONF_PATH"], "context", app["id"], "context.mse")
    for more in ([], ["--context", context]):
        refused = cloud.mse("verify", app["address"], *more, cwd=tmp_path, check=False)
        assert refused.returncode == 1 and "not-attestable" in refused.stderr
    assert cloud.mse("test", app["id"]).returncode == 0


def test_same_domain_and_fingerprint_when_redeployed(cloud, project, deploy):
    folder = project(cloud, "again")
    first = deploy(folder)
    second = deploy(folder, "-y")
    assert first["id"] != second["id"]
    assert first["domain_name"] == second["domain_name"] and first["fingerprint"] == second["fingerprint"]
    contexts = [c["id"] for c in cloud.mse_json("context", "--list")["contexts"]]
    assert second["id"] in contexts and first["id"] not in contexts


def test_a_pinned_context_knows_its_own_instance(cloud, project, deploy, tmp_path):
    """The same code deployed again is another instance: the old context's users are told."""
    folder = project(cloud, "pinned")
    first = deploy(folder)
    cloud.mse("context", "--export", first["id"], "--output", tmp_path / "old.mse")
    second = deploy(folder, "-y")
    refused = cloud.mse("verify", second["address"], "--context", tmp_path / "old.mse", cwd=tmp_path, check=False)
    assert refused.returncode == 1 and "instance-field" in refused.stderr


def test_fingerprint_given(cloud, deployed, tmp_path):
    verdict = cloud.mse_json("verify", deployed["address"], "--fingerprint", deployed["fingerprint"], cwd=tmp_path)
    assert verdict["verdict"] == "accept" and verdict["fingerprint_from"] == "given"
    other = cloud.mse("verify", deployed["address"], "--fingerprint", "00" * 32, "--json", cwd=tmp_path, check=False)
    assert other.returncode == 1
    assert json.loads(other.stdout)["verdict"] == "refuse" and json.loads(other.stdout)["error"] == "measurement"
    for one in (verdict, json.loads(other.stdout)):
        attestcommand.check_verdict(one)
        assert [item["name"] for item in one["loosenings"]] == ["allow-simulation"]


def test_verify_names_added_and_removed_files(cloud, deployed, tmp_path):
    context = os.path.join(cloud.env["MSE_CONF_PATH"], "context", deployed["id"], "context.mse")
    code = tmp_path / "code"
    shutil.copytree(deployed["folder"] / "mse_src", code)
    (code / "extra.py").write_text("")
    arguments = ["verify", deployed["address"], "--context", context, "--code", code]
    refused = cloud.mse(*arguments, cwd=tmp_path, check=False)
    assert refused.returncode == 1 and "'extra.py' is in" in refused.stderr
    (code / "extra.py").unlink()
    (code / "app.py").rename(code / "main.py")
    assert "main.py" in cloud.mse(*arguments, cwd=tmp_path, check=False).stderr


@pytest.mark.parametrize("date,wanted", [
    ("2020-01-01 00:00:00+00:00", "mse.toml:15:19: 'cloud.expiration_date' is in the past"),
    ("2020-01-01", "'cloud.expiration_date' is in the past"),
    ("soon", "is not a date"),
])
def test_expiry_dates(cloud, project, date, wanted):
    folder = project(cloud, "expiry")
    edit(folder, 'egress = "none"', f'expiration_date = "{date}"')
    refused = cloud.mse("deploy", cwd=folder, check=False)
    assert refused.returncode == 1 and wanted in refused.stderr


def test_expiry_after_the_certificate(cloud, project):
    folder = project(cloud, "late")
    edit(folder, 'egress = "none"', f'expiration_date = "{datetime.date.today().year + 2}-01-01T00:00:00Z"')
    add_ssl(folder)
    refused = cloud.mse("deploy", cwd=folder, check=False)
    assert refused.returncode == 1 and "is after the end of the certificate" in refused.stderr


def test_certificate_for_another_name(cloud, project):
    folder = project(cloud, "names")
    add_ssl(folder)
    edit(folder, "app.owner.localhost", "other.owner.localhost")
    refused = cloud.mse("deploy", cwd=folder, check=False)
    assert refused.returncode == 1 and "is not among the names of the certificate" in refused.stderr


def test_key_of_another_certificate(cloud, project):
    folder = project(cloud, "keys")
    add_ssl(folder)
    (folder / "mine").mkdir()
    certificate(folder / "mine", "app.owner.localhost")
    shutil.copy(folder / "mine" / "key.pem", folder / "key.pem")
    refused = cloud.mse("deploy", cwd=folder, check=False)
    assert refused.returncode == 1 and "cloud.ssl.private_key" in refused.stderr


def test_logs_without_the_project_key(cloud, deployed, tmp_path):
    env = cloud.client_env(tmp_path / "home")
    cloud.mse("trust", "add", cloud.url, "--fingerprint", cloud.fingerprint_of_ca(), env=env)
    cloud.login(env=env)
    result = cloud.mse("logs", deployed["id"], env=env)
    assert "helloworld started" not in result.stdout
    assert "encrypted to the app's owner" in result.stderr


def test_failing_tests_against_the_deployed_app(cloud, deployed):
    path = deployed["folder"] / "tests" / "test_app.py"
    path.write_text(path.read_text().replace("Hello world", "Hello"))
    result = cloud.mse("test", deployed["id"], check=False)
    assert result.returncode == 1 and "the tests failed" in result.stderr


def test_stopped_app(cloud, project, deploy):
    folder = project(cloud, "gone")
    app = deploy(folder)
    stopped = cloud.mse("stop", app["id"], "-y")
    assert "Its context has been removed from this machine" in stopped.stderr
    assert "Can't find context" in cloud.mse("test", app["id"], check=False).stderr
    assert cloud.mse_json("status", app["id"])["status"] == "stopped"
    unknown = cloud.mse("status", "0b41c2a4-470e-4602-99e2-58a6bf7b123d", check=False)
    assert unknown.returncode == 1 and "Cannot find the app with id" in unknown.stderr


@pytest.fixture
def liar(cloud, tmp_path):
    """An API that lies, with an owner signed in there: .env, .answers."""
    with lyingapi.serving() as server:
        server.env = {**cloud.client_env(tmp_path / "lied"), "MSE_BASE_URL": server.url}
        cloud.mse("login", "--token-stdin", stdin="mse_x\n", env=server.env)
        yield server


@pytest.mark.parametrize("apps", [
    {"items": "x"}, 5, [5], [{"id": 5}], [{"id": "x", "name": "n", "status": "s"}],
    [{"id": "x", "name": "n", "status": "s", "domain_name": ["d"]}],
])
def test_answers_of_a_strange_cloud(cloud, liar, apps):
    liar.answers["/apps"] = (200, apps)
    result = cloud.mse("list", env=liar.env, check=False)
    assert result.returncode == 1 and result.stderr.count("❌") == 1, result


def test_statuses_of_a_strange_cloud(cloud, liar):
    liar.answers["/apps"] = (500, {"error": "internal", "message": "out of order", "request_id": "abc"})
    assert "out of order (request abc)" in cloud.mse("list", env=liar.env, check=False).stderr
    liar.answers["/apps"] = (401, {"message": "the token has expired"})
    assert "the token has expired: sign in again" in cloud.mse("list", env=liar.env, check=False).stderr
    liar.asked.clear()
    liar.answers["/apps"] = (503, {}, ("Retry-After", "0"))
    assert "HTTP status 503" in cloud.mse("list", env=liar.env, check=False, timeout=60).stderr
    assert sum(path.startswith("/apps") for path in liar.asked) == 6, "503 is tried again, and given up"


def test_list_of_a_project(cloud, deployed):
    assert deployed["id"] in cloud.mse("list", "default").stdout
    refused = cloud.mse("list", "nothere", check=False)
    assert refused.returncode == 1 and "Project nothere does not exist" in refused.stderr


@pytest.fixture
def stored_apps(cloud, deployed):
    """250 more apps of the same owner in the store, stopped and cleaned up long ago; their ids."""
    with killing.database(cloud, "rw") as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM apps WHERE id = ?", (deployed["id"],)).fetchone())
        row.update(status="stopped", stopped_at=row["created_at"], cleaned=2, name="one of many")
        ids = [str(uuid.uuid4()) for _ in range(250)]
        marks = ", ".join("?" for _ in row)
        for app_id in ids:
            row["id"] = app_id
            database.execute(f"INSERT INTO apps ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    yield ids
    with killing.database(cloud, "rw") as database:
        database.executemany("DELETE FROM apps WHERE id = ?", [(app_id,) for app_id in ids])


def test_a_list_longer_than_a_page(cloud, deployed, stored_apps):
    """The API gives at most 100 at once; mse asks for all of them and shows each once."""
    wanted = sorted(stored_apps)
    listed = [a["id"] for a in cloud.mse_json("list", "--all")["apps"]]
    assert sorted(i for i in listed if i in set(wanted)) == wanted
    assert len(listed) == len(set(listed)) and deployed["id"] in listed
    lines = cloud.mse("list", "default", "--all").stdout.splitlines()
    assert sorted(line.split(" | ")[0] for line in lines if "one of many" in line) == wanted
    assert [a["id"] for a in cloud.mse_json("list")["apps"]] == [deployed["id"]]


def test_several_apps_stop_in_one_command(cloud, project, deploy):
    app = deploy(project(cloud, "one"))
    cloud.mse("stop", app["id"], "-y")
    again = deploy(project(cloud, "two"))
    both = cloud.mse("stop", again["id"], app["id"], "-y", check=False)
    assert cloud.mse_json("status", again["id"])["status"] == "stopped", both.stderr
    wrong = cloud.mse("stop", again["id"], "nonsense", "-y", check=False)
    assert wrong.returncode == 1 and "'nonsense' is not a uuid" in wrong.stderr


def test_without_verification_the_user_is_warned(cloud, project, deploy):
    folder = project(cloud, "blind")
    result = cloud.mse("deploy", "--no-verify", cwd=folder)
    assert "The enclave is not verified" in result.stderr
    app = cloud.mse_json("list")["apps"][0]
    assert app["status"] == "running"
    cloud.mse("stop", app["id"], "-y")


def test_deploy_refuses_another_simulation_and_sends_nothing(cloud, project, build, images):
    """The trust entry names another root: evidence of this cloud's enclaves is refused, the app is stopped."""
    folder = project(cloud, "forged")
    other = testcloud.Cloud(build)
    conf = cloud.env["MSE_CONF_PATH"]
    path = os.path.join(conf, "trust", f"api.mse.localhost_{cloud.port}.toml")
    kept = open(path).read()
    try:
        other.init("--images-from", images, "--image", "mse-flask:20261122")
        pem = other.simulation_root.read_text().replace("\n", "\\n")
        with open(path, "w") as file:
            file.write(re.sub(r'simulation_root = ".*"', lambda _: f'simulation_root = "{pem}"', kept))
        refused = cloud.mse("deploy", cwd=folder, check=False)
    finally:
        with open(path, "w") as file:
            file.write(kept)
        assert other.remove() == []
    assert refused.returncode == 1
    assert "simulated" in refused.stderr and "Sending code key" not in refused.stderr
    assert "has been stopped" in refused.stderr
    assert [a for a in cloud.mse_json("list")["apps"] if a["name"] == "forged"] == []
    assert [n for n in os.listdir(os.path.join(conf, "context")) if n.startswith(".pending")] == []


def test_a_context_survives_only_success(cloud, project):
    """An app that cannot start leaves neither a context nor a running app; its own words are shown."""
    folder = project(cloud, "broken")
    path = folder / "mse_src" / "app.py"
    path.write_text(path.read_text() + "\nraise RuntimeError('no luck today')\n")
    before = cloud.mse_json("context", "--list")
    refused = cloud.mse("deploy", cwd=folder, check=False)
    assert refused.returncode == 1 and "no luck today" in refused.stderr
    assert cloud.mse_json("context", "--list") == before
    assert [a for a in cloud.mse_json("list")["apps"] if a["name"] == "broken"] == []


def test_the_operator_may_read_logs_when_the_owner_says_so(cloud, project, deploy):
    folder = project(cloud, "plain")
    edit(folder, 'egress = "none"', 'egress = "none"\nlogs = "operator"')
    app = deploy(folder)
    stored = b"".join(p.read_bytes() for p in (cloud.data / "apps" / app["id"]).glob("log*") if p.is_file())
    assert b"plain started" in stored
    assert "plain started" in cloud.mse("logs", app["id"]).stdout


def test_unchanged_code_of_two_machines_differs_only_by_the_project_key(cloud, project, deploy):
    """Another owner's key gives another fingerprint: an exported context is needed to recompute it."""
    folder = project(cloud, "mine")
    first = deploy(folder)
    key = next(p for p in (cloud.folder / "owner" / "conf" / "keys").iterdir())
    assert key.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}\n", key.read_text())
    kept = key.read_text()
    try:
        key.unlink()
        second = deploy(folder, "-y")
    finally:
        key.write_text(kept)
    assert first["fingerprint"] != second["fingerprint"]


PHASES = ["Encrypting the code", "Computing the fingerprint", "Sending the code", "Starting the enclave",
          "Attesting the enclave", "Sending code key", "Attesting the application", "Waiting for the application"]


def signalled_in(cloud, folder, phase, number):
    """A deploy that gets the signal as soon as it says the phase: (exit code, what it said)."""
    client, seen = cloud.signalled_deploy(folder, phase, number)
    seen += client.communicate(timeout=60)[1]
    return client.returncode, seen.decode()


def pending(cloud):
    contexts = os.path.join(cloud.env["MSE_CONF_PATH"], "context")
    return [n for n in os.listdir(contexts) if n.startswith(".")] if os.path.isdir(contexts) else []


def active_ids(cloud, name):
    return [a["id"] for a in cloud.mse_json("list")["apps"] if a["name"] == name]


@pytest.mark.parametrize("phase", PHASES)
def test_interrupted_in_every_phase(cloud, project, phase):
    """Ctrl-C as soon as the phase begins: no app, no context, nothing pending, exit 130."""
    folder = project(cloud, "stopped-" + phase.split()[-1] + str(len(phase)))
    before = cloud.mse_json("context", "--list")
    code, text = signalled_in(cloud, folder, phase, signal.SIGINT)
    assert code == 130 and "interrupted" in text, text
    killing.wait_uploads_over(cloud)
    assert active_ids(cloud, folder.name) == [], text
    assert cloud.mse_json("context", "--list") == before
    assert pending(cloud) == []


def settled_ids(cloud, name):
    """The active apps of that name, once the cloud has made what it was asked for before the client died."""
    until = time.monotonic() + 3
    while not active_ids(cloud, name) and time.monotonic() < until:
        time.sleep(0.1)
    return active_ids(cloud, name)


@pytest.mark.parametrize("phase", PHASES)
def test_killed_in_every_phase(cloud, project, phase):
    """kill -9 of mse as soon as the phase begins: what is left at the cloud is told by name, and stop ends all of it."""
    folder = project(cloud, "killed-" + phase.split()[-1] + str(len(phase)))
    before = cloud.mse_json("context", "--list")
    assert signalled_in(cloud, folder, phase, signal.SIGKILL)[0] == -signal.SIGKILL
    is_sent = PHASES.index(phase) - PHASES.index("Sending the code")  # before, perhaps, after
    left = settled_ids(cloud, folder.name) if is_sent >= 0 else active_ids(cloud, folder.name)
    assert is_sent == 0 or len(left) == (is_sent > 0)
    assert cloud.mse_json("context", "--list") == before
    for app_id in left:
        for _ in range(2):
            told = cloud.mse("list").stderr
            assert "was cut off" in told and f"`mse cloud stop {app_id}` ends it" in told, told
        cloud.mse("stop", app_id, "-y")
        assert pending(cloud) == []
    assert active_ids(cloud, folder.name) == []
    assert "was cut off" not in cloud.mse("list").stderr
    for name in pending(cloud):  # the cloud was never asked: forgotten once it cannot answer any more
        path = os.path.join(cloud.env["MSE_CONF_PATH"], "context", name, "begun.json")
        with open(path) as file:
            begun = json.load(file)
        with open(path, "w") as file:
            json.dump({**begun, "at": begun["at"] - 601}, file)
    cloud.mse("list")
    assert pending(cloud) == []


def test_a_new_deployment_takes_the_place_of_one_that_was_cut_off(cloud, project, deploy):
    folder = project(cloud, "again")
    signalled_in(cloud, folder, "Sending code key", signal.SIGKILL)
    left = settled_ids(cloud, "again")
    assert len(pending(cloud)) == 1
    result = cloud.mse("deploy", "-y", "--json", cwd=folder)
    assert f"its app is {left[0]}" in result.stderr
    app = json.loads(result.stdout)
    try:
        assert active_ids(cloud, "again") == [app["id"]] and app["id"] not in left
        assert pending(cloud) == []
        assert "was cut off" not in cloud.mse("list").stderr
    finally:
        cloud.mse("stop", app["id"], "-y")
