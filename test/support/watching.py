# SPDX-License-Identifier: Apache-2.0
"""Runs `mse attest watch` for test/e2e/test_attest_watch.py: its lines as they come, a real webhook, its metrics."""
import collections
import functools
import http.server
import json
import pathlib
import signal
import subprocess
import threading
import time
import urllib.request

import jsonschema

import attestcommand

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "docs/formats/watch-event.schema.json"
LIMIT = 30  # seconds; a bound for a loaded machine, not an expectation


@functools.cache
def schema():
    document = json.loads(SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(document)
    return jsonschema.Draft7Validator(document)


def checked(text):
    """An event, which fits its schema, with its verdict, which fits the other."""
    event = json.loads(text)
    schema().validate(event)
    if "details" in event:
        attestcommand.check_verdict(event["details"])
    return event


def wait_for(condition, what="it", seconds=LIMIT):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited for {what} in vain"
        time.sleep(0.01)
    return found


class Watch:
    """One running watch; lines are its JSON lines so far."""

    def __init__(self, build, cwd, *argv, env=None):
        self.lines, self.errors = [], []
        self.process = subprocess.Popen(
            [str(pathlib.Path(build) / "mse"), "attest", "watch", "--json", *map(str, argv)], cwd=cwd,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"HOME": str(cwd), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "NO_COLOR": "1",
                 "MSE_CONF_PATH": str(pathlib.Path(cwd) / "conf"), **(env or {})})
        self.readers = [threading.Thread(target=self.read, args=(self.process.stdout, self.lines, checked)),
                        threading.Thread(target=self.read, args=(self.process.stderr, self.errors, bytes.decode))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def read(stream, lines, parse):
        for line in stream:
            try:
                lines.append(parse(line))
            except (ValueError, jsonschema.ValidationError) as wrong:
                lines.append({"event": "wrong", "line": line, "why": str(wrong)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def wait(self, event, **members):
        """The first line of that event with these members; it is taken, with all before it."""
        def found():
            assert not [line for line in self.lines if line["event"] == "wrong"], self.lines
            for i, line in enumerate(list(self.lines)):
                if line["event"] == event and all(line.get(name) == value for name, value in members.items()):
                    del self.lines[:i + 1]
                    return line
            assert self.process.poll() is None or self.lines, (self.lines, self.errors)
            return None
        return wait_for(found, f"{event} {members} in {self.lines} {self.errors}")

    def stop(self):
        """SIGTERM is its ordinary end. Seconds that it took."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(LIMIT)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            for reader in self.readers:
                reader.join()
            self.process.stdout.close()
            self.process.stderr.close()
        assert code == 0, (code, self.errors)
        return time.monotonic() - began


class Webhook:
    """Collects what is posted. refuse: so many posts are answered 500 first."""

    def __init__(self, refuse=0):
        self.posts, self.refused, self.refuse = collections.deque(), 0, refuse
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refuse = outer.refused < outer.refuse
                outer.refused += refuse
                if not refuse:
                    outer.posts.append((self.headers["Content-Type"], body))
                self.send_response(500 if refuse else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/alarms"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def next(self):
        wait_for(lambda: self.posts, "a post")
        kind, body = self.posts.popleft()
        assert kind == "application/json"
        return checked(body)


def metrics(port):
    """{(name, frozenset of labels): value}, every line checked for its form."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=LIMIT) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = answer.read().decode()
    found, typed = {}, set()
    for line in text.splitlines():
        if line.startswith("# "):
            kind, name = line[2:].split(" ")[:2]
            assert kind in ("HELP", "TYPE")
            typed.add(name)
            continue
        name, rest = line.split("{", 1)
        labels, value = rest.rsplit("} ", 1)
        assert name in typed, line
        found[name, frozenset(labels.split(","))] = float(value)
    return found
