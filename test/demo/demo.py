#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make demo: the main job, end to end, against a throw-away cloud in a temporary folder.

Each step prints the value it saw and the value it compared it with, and the first difference ends the demo with exit
status 1. --alter STEP changes what that step expects, so that a test can show that every step can fail.
"""
import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import testcloud  # noqa: E402  (found by the line above)

STEPS = []


def step(title):
    """Registers a step; its function gets the Demo and calls demo.expect at least once."""
    def register(function):
        STEPS.append((function.__name__, title, function))
        return function
    return register


class Demo:
    def __init__(self, build, alter, images=None, bills=None):
        self.cloud = testcloud.Cloud(build, bills=bills)
        self.images = images
        self.alter = alter
        self.current = None
        self.compared = 0
        self.app = {}
        self.fingerprint = None

    def expect(self, what, seen, wanted):
        if self.alter == self.current:
            wanted = f"{wanted} (altered)"
        good = seen == wanted
        print(f"    {'ok  ' if good else 'FAIL'} {what}: saw {seen!r}, wanted {wanted!r}", flush=True)
        self.compared += 1
        if not good:
            raise testcloud.Failed(f"{self.current}: {what}")

    def mse(self, *args, **options):
        print(f"    $ mse cloud {' '.join(map(str, args))}", flush=True)
        return self.cloud.mse(*args, **options)

    @property
    def address(self):
        return f"{self.app['domain_name']}:{self.cloud.port}"

    @property
    def project(self):
        return self.cloud.folder / "helloworld"


@step("msed init: a cloud in a temporary folder")
def init(demo):
    demo.cloud.init(*(["--images-from", demo.images, "--image", "mse-flask:20261122"] if demo.images else []))
    demo.expect("configuration written", (demo.cloud.data / "msed.toml").exists(), True)


@step("msed: the cloud runs")
def serve(demo):
    demo.cloud.start()
    demo.expect("GET /healthz", json.loads(demo.cloud.curl(f"{demo.cloud.url}/healthz").stdout)["status"], "ok")


@step("mse cloud trust add: this cloud and its simulated root, by fingerprint")
def trust(demo):
    fingerprint = demo.cloud.fingerprint_of_ca()
    demo.mse("trust", "add", demo.cloud.url, "--fingerprint", fingerprint)
    listed = demo.cloud.mse_json("trust", "list")
    demo.expect("trusted certificate", listed["clouds"][0]["ca_sha256"], fingerprint)


@step("mse cloud login: sign in with a token for machines without a browser")
def login(demo):
    demo.cloud.login()
    demo.expect("signed in as", demo.cloud.mse_json("login", "--whoami")["email"], testcloud.EMAIL)


@step("mse cloud scaffold helloworld")
def scaffold(demo):
    demo.mse("scaffold", "helloworld")
    names = sorted(str(p.relative_to(demo.project)) for p in demo.project.rglob("*") if p.is_file())
    wanted = ["Dockerfile", "README.md", "mse.toml", "mse_src/.mseignore", "mse_src/app.py", "secrets.json",
              "secrets_to_seal.json", "tests/conftest.py", "tests/test_app.py"]
    demo.expect("files", names, wanted)


@step("mse cloud localtest: the app's own tests, on this machine")
def localtest(demo):
    result = demo.mse("localtest", cwd=demo.project)
    demo.expect("exit status", result.returncode, 0)


@step("mse cloud deploy: encrypt, start, attest, provision, attest again")
def deploy(demo):
    demo.app = demo.cloud.mse_json("deploy", cwd=demo.project)
    demo.expect("status", demo.app["status"], "running")
    demo.fingerprint = demo.app["fingerprint"]


@step("mse cloud list")
def listing(demo):
    apps = demo.cloud.mse_json("list")["apps"]
    demo.expect("active apps", [(a["id"], a["status"]) for a in apps], [(demo.app["id"], "running")])


@step("mse cloud status")
def status(demo):
    seen = demo.cloud.mse_json("status", demo.app["id"])
    demo.expect("name on domain", (seen["name"], seen["domain_name"]), ("helloworld", demo.app["domain_name"]))
    demo.expect("certificate origin", seen["ssl_certificate_origin"], "self")


@step("mse cloud verify: fresh evidence of the running enclave against this project's release")
def verify(demo):
    context = pathlib.Path(demo.cloud.env["MSE_CONF_PATH"]) / "context" / demo.app["id"] / "context.mse"
    verdict = demo.cloud.mse_json("verify", demo.address, "--context", context, "--code", demo.project / "mse_src")
    demo.expect("verdict", verdict["verdict"], "accept")
    demo.expect("fingerprint", verdict["measurement"], demo.fingerprint)
    demo.expect("said to be simulated", verdict["simulated"], True)


@step("curl: the app through the public port, pinned to the verified certificate")
def curl(demo):
    answer = demo.cloud.curl(f"https://{demo.address}/", cacert=demo.cloud.folder / "cert.pem")
    demo.expect("answer", answer.stdout, "Hello world")


@step("curl: the operator's certificate is not the enclave's")
def curl_other(demo):
    answer = demo.cloud.curl(f"https://{demo.address}/", cacert=demo.cloud.ca, check=False)
    demo.expect("curl refuses (exit status 60)", answer.returncode, 60)


@step("mse cloud test: the app's tests against the deployed app")
def test(demo):
    demo.expect("exit status", demo.mse("test", demo.app["id"]).returncode, 0)


@step("mse cloud logs: encrypted in the enclave, decrypted here")
def logs(demo):
    text = demo.mse("logs", demo.app["id"]).stdout
    demo.expect("the app's own line", "helloworld started" in text, True)
    stored = b"".join(p.read_bytes() for p in (demo.cloud.data / "apps" / demo.app["id"]).glob("log*") if p.is_file())
    demo.expect("that line in the operator's copy", b"helloworld started" in stored, False)


@step("mse cloud context --export: what an app user needs")
def export(demo):
    result = demo.mse("context", "--export", demo.app["id"])
    demo.expect("sentence", "You can now transfer this file to your app user." in result.stdout + result.stderr, True)
    demo.expect("file", (demo.cloud.folder / "context.mse").exists(), True)


@step("mse cloud verify --context --code: as an app user with an empty configuration folder")
def user(demo):
    env = demo.cloud.client_env(demo.cloud.folder / "user")
    arguments = ["verify", demo.address, "--context", demo.cloud.folder / "context.mse", "--code",
                 demo.project / "mse_src"]
    refused = demo.cloud.mse(*arguments, env=env, check=False)
    demo.expect("simulation is refused unless asked for", refused.returncode != 0, True)
    verdict = demo.cloud.mse_json(*arguments, "--allow-simulation", demo.cloud.simulation_root, env=env)
    demo.expect("verdict", verdict["verdict"], "accept")
    demo.expect("fingerprint", verdict["measurement"], demo.fingerprint)


@step("mse cloud verify: one byte of the code changed")
def changed(demo):
    source = demo.project / "mse_src" / "app.py"
    before = source.read_text()
    source.write_text(before.replace("Hello world", "Hello World"))
    refused = demo.cloud.mse("verify", demo.address, "--context", demo.cloud.folder / "context.mse", "--code",
                             demo.project / "mse_src", check=False)
    source.write_text(before)
    demo.expect("refused", refused.returncode != 0, True)
    demo.expect("names the file", "app.py" in refused.stderr + refused.stdout, True)


@step("mse cloud stop")
def stop(demo):
    demo.mse("stop", demo.app["id"], "-y")
    apps = demo.cloud.mse_json("list", "--all")["apps"]
    demo.expect("status", [a["status"] for a in apps], ["stopped"])
    gone = demo.cloud.curl(f"https://{demo.address}/", cacert=demo.cloud.folder / "cert.pem", check=False)
    demo.expect("the domain answers", gone.returncode == 0, False)


@step("nothing is left")
def nothing_left(demo):
    demo.expect("processes", demo.cloud.stop(), [])


def keep(demo):
    conf = demo.cloud.env["MSE_CONF_PATH"]
    print(f"""
The cloud is up. To use it:
  export MSE_CONF_PATH={conf} PATH={demo.cloud.build}:$PATH
  mse cloud list
  curl -sS --resolve {demo.address.split(':')[0]}:{demo.cloud.port}:127.0.0.1 --cacert {demo.cloud.folder}/cert.pem https://{demo.address}/
To end it:
  kill {demo.cloud.msed.pid}; {demo.cloud.program('msed')} stop-all --data-dir {demo.cloud.data}; rm -rf {demo.cloud.folder}""")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--alter", choices=[name for name, _, _ in STEPS])
    parser.add_argument("--images-from", help="copy the built-in image of another cloud instead of building both")
    parser.add_argument("--bills-from", help="take the bills that another client computed")
    arguments = parser.parse_args()
    demo = Demo(arguments.build, arguments.alter, arguments.images_from, arguments.bills_from)
    keep_up = bool(os.environ.get("KEEP"))
    failed = None
    try:
        for number, (name, title, function) in enumerate(STEPS, 1):
            if keep_up and name in ("stop", "nothing_left"):
                continue
            print(f"[{number:2}/{len(STEPS)}] {title}", flush=True)
            demo.current = name
            started = time.monotonic()
            function(demo)
            print(f"    {time.monotonic() - started:.2f} s", flush=True)
    except (testcloud.Failed, KeyError, ValueError, OSError) as error:
        failed = error
        print(f"\ndemo failed at '{demo.current}': {error}", file=sys.stderr)
    except KeyboardInterrupt:
        failed = "interrupted"
    if keep_up and not failed:
        keep(demo)
        return 0
    if failed:
        print(demo.cloud.log_text()[-3000:], file=sys.stderr)
    left = demo.cloud.remove()
    if left and not failed:
        print(f"left running: {left}", file=sys.stderr)
        return 1
    if not failed:
        print(f"\nAll of it worked: {len(STEPS)} steps, {demo.compared} values compared. Nothing is left running.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
