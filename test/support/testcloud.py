# SPDX-License-Identifier: Apache-2.0
"""A throw-away cloud on the loopback: what the demo and the end-to-end tests start and stop.

Everything lives below one temporary folder. Only processes that were started from here, or by what was started from
here, are ended, and by their ids.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

EMAIL = "alice@example.com"
PASSWORD = "correct horse battery staple"
START_SECONDS = 60


def free_port():
    """A port that is free on both loopbacks."""
    for _ in range(50):
        with socket.socket(socket.AF_INET) as four, socket.socket(socket.AF_INET6) as six:
            four.bind(("127.0.0.1", 0))
            port = four.getsockname()[1]
            try:
                six.bind(("::1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class Failed(Exception):
    """A command ended otherwise than wanted; the text holds what it printed."""


def run(argv, env=None, cwd=None, stdin="", timeout=300, check=True):
    """Runs argv to its end; returns the CompletedProcess with text output."""
    result = subprocess.run([str(a) for a in argv], env=env, cwd=cwd, input=stdin, capture_output=True, text=True,
                            timeout=timeout)
    if check and result.returncode != 0:
        raise Failed(f"{' '.join(map(str, argv))}\nexit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def processes_of(folder):
    """(pid, command line) of every process that names folder on its command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(str(folder).encode() in word for word in words):
            found.append((int(entry.name), b" ".join(words).decode(errors="replace")))
    return found


def remove_tree(folder):
    """Also what is read-only, as the files of images are."""
    run(["chmod", "-R", "u+w", folder], check=False)
    shutil.rmtree(folder, ignore_errors=True)


class Cloud:
    """msed with its haproxy, its simulated TEE and its apps, below a folder of its own."""

    def __init__(self, build, folder=None, base_domain="mse.localhost", port=None, bills=None):
        """bills: a folder of bills that every client finds computed already, as at its second deployment."""
        self.build = pathlib.Path(build).resolve()
        self.bills = bills
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="mse-"))
        self.data = self.folder / "cloud"
        self.base_domain = base_domain
        self.port = port or free_port()
        self.api = f"api.{base_domain}:{self.port}"
        self.url = f"https://{self.api}"
        self.msed = None
        self.env = self.client_env(self.folder / "owner")

    def client_env(self, home):
        """The environment of somebody with an empty home: nothing of ours is inherited but what programs need."""
        home.mkdir(parents=True, exist_ok=True)
        if self.bills:
            shutil.copytree(self.bills, home / "conf" / "bills", dirs_exist_ok=True)
        env = {k: os.environ[k] for k in ("PATH", "LANG", "TERM", "LSAN_OPTIONS", "ASAN_OPTIONS") if k in os.environ}
        env.update(HOME=str(home), MSE_CONF_PATH=str(home / "conf"), TMPDIR=str(self.folder), NO_COLOR="1")
        return env

    def program(self, name):
        return self.build / name

    def init(self, *more):
        argv = [self.program("msed"), "init", "--data-dir", self.data, "--base-domain", self.base_domain,
                "--public-port", self.port, "--admin", EMAIL, "--password-stdin", *more]
        return run(argv, env=self.env, stdin=PASSWORD + "\n")

    def start(self, wait=True, env=None):
        log = open(self.folder / "msed.log", "ab")
        self.msed = subprocess.Popen([self.program("msed"), "--data-dir", self.data], env={**self.env, **(env or {})},
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        if wait:
            self.wait_healthy()

    def log_text(self):
        path = self.folder / "msed.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_healthy(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.msed and self.msed.poll() is not None:
                raise Failed(f"msed ended with {self.msed.returncode}\n{self.log_text()[-4000:]}")
            if self.curl(f"{self.url}/healthz", check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise Failed(f"msed did not become healthy\n{self.log_text()[-4000:]}")

    @property
    def ca(self):
        return self.data / "tls" / "ca.pem"

    @property
    def simulation_root(self):
        return self.data / "sim" / "root.pem"

    def curl(self, url, *more, cacert=None, check=True):
        """curl without asking any resolver: every name of the cloud is the loopback."""
        host = url.split("//")[1].split("/")[0].split(":")[0]
        argv = ["curl", "-sS", "-f", "--max-time", "20", "--resolve", f"{host}:{self.port}:127.0.0.1", "--cacert",
                cacert or self.ca, *more, url]
        return run(argv, env=self.env, check=check)

    def mse(self, *args, env=None, check=True, cwd=None, stdin="", timeout=300):
        return run([self.program("mse"), "cloud", *args], env=env or self.env, cwd=cwd or self.folder, stdin=stdin,
                   check=check, timeout=timeout)

    def signalled_deploy(self, folder, phase, number, *options):
        """A deploy that gets the signal as soon as it says the phase, and what it said until then (bytes)."""
        client = subprocess.Popen([self.program("mse"), "cloud", "deploy", *options], env=self.env, cwd=folder, bufsize=0,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        seen = b""
        while phase.encode() not in seen:
            piece = client.stderr.read(1)
            assert piece, seen.decode()
            seen += piece
        client.send_signal(number)
        return client, seen

    def mse_json(self, *args, **options):
        return json.loads(self.mse(*args, "--json", **options).stdout)

    def fingerprint_of_ca(self):
        """SHA-256 of the certificate of the cloud's own CA, as openssl reads it."""
        text = run(["openssl", "x509", "-in", self.ca, "-noout", "-fingerprint", "-sha256"]).stdout
        return text.split("=")[1].strip().replace(":", "").lower()

    def trust_and_login(self):
        self.mse("trust", "add", self.url, "--fingerprint", self.fingerprint_of_ca())
        self.login()

    def login(self, env=None):
        token = run([self.program("msed"), "token", "create", "--data-dir", self.data, "--user", EMAIL], env=self.env)
        self.mse("login", "--token-stdin", stdin=token.stdout.strip() + "\n", env=env)

    def kill(self, how=signal.SIGKILL):
        self.msed.send_signal(how)
        self.msed.wait()

    def stop(self):
        """Stops everything; returns what is left of it, which should be nothing."""
        if self.msed and self.msed.poll() is None:
            self.msed.terminate()
            try:
                self.msed.wait(20)
            except subprocess.TimeoutExpired:
                self.msed.kill()
                self.msed.wait()
        if self.data.exists():
            run([self.program("msed"), "stop-all", "--data-dir", self.data], env=self.env, check=False, timeout=60)
        until = time.monotonic() + 10
        while processes_of(self.folder) and time.monotonic() < until:
            time.sleep(0.05)
        left = processes_of(self.folder)
        for pid, _ in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return left

    def remove(self):
        left = self.stop()
        remove_tree(self.folder)
        return left
