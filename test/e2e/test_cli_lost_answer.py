# SPDX-License-Identifier: Apache-2.0
"""The host cuts the connection around the provisioning request (attested-channel.md section 6).

The client talks to the API through a proxy that changes one thing, the public port, so that its attested connections
pass a TCP proxy which sees ciphertext only and knows no more than who speaks after whom.
"""
import http.client
import http.server
import json
import os
import socket
import ssl
import threading

import pytest

import testcloud

CLIENT, SERVER = "client", "server"


class Cutter:
    """Forwards connections; cuts the first one at a given turn. Turns of a deployment's first connection: ClientHello,
    server's flight, Finished with the attestation request, evidence, provisioning request, its answer."""

    def __init__(self, port, cut_at):
        self.port_behind = port
        self.cut_at = cut_at
        self.connections = 0
        self.turns = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", self.port_behind))
            state = {"turns": [], "cut": self.cut_at if self.connections == 1 else None, "lock": threading.Lock()}
            if self.connections == 1:
                self.turns = state["turns"]
            for who, source, target in ((CLIENT, client, server), (SERVER, server, client)):
                threading.Thread(target=self.pump, args=(who, source, target, state), daemon=True).start()

    def pump(self, who, source, target, state):
        try:
            while data := source.recv(65536):
                with state["lock"]:
                    if not state["turns"] or state["turns"][-1] != who:
                        state["turns"].append(who)
                    if state["cut"] and len(state["turns"]) >= state["cut"]:
                        break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def api_proxy(cloud, port):
    """The cloud's API over plain HTTP on the loopback, with another public port in what it says of apps."""
    context = ssl.create_default_context(cafile=str(cloud.ca))
    host = cloud.api.split(":")[0]

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPSConnection("127.0.0.1", cloud.port, context=context)
            connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", cloud.port)),
                                                  server_hostname=host)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "expect")}
            connection.request(self.command, self.path, body, {**headers, "Host": cloud.api})
            answer = connection.getresponse()
            data = answer.read()
            if answer.headers.get_content_type() == "application/json":
                value = json.loads(data)
                if isinstance(value, dict) and "port" in value:
                    data = json.dumps({**value, "port": port}).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            connection.close()

        do_GET = do_POST = pass_on

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


@pytest.fixture
def through(cloud, project, tmp_path):
    """through(cut_at) deploys with the connection cut at that turn: (result, cutter, env)."""
    used = []

    def deploy(cut_at, name):
        cutter = Cutter(cloud.port, cut_at)
        server = api_proxy(cloud, cutter.port)
        used.append((cutter, server))
        env = cloud.client_env(tmp_path / "owner")
        env["MSE_BASE_URL"] = f"http://127.0.0.1:{server.server_port}"
        cloud.login(env=env)
        result = cloud.mse("deploy", "--allow-simulation", cloud.simulation_root, "--pccs", cloud.url, "--json",
                           cwd=project(cloud, name), env=env, check=False)
        return result, cutter, env

    yield deploy
    for cutter, server in used:
        cutter.close()
        server.shutdown()
    for app in cloud.mse_json("list")["apps"]:
        cloud.mse("stop", app["id"], "-y", check=False)


def test_nothing_is_cut(through):
    result, cutter, _ = through(None, "whole")
    assert result.returncode == 0, result.stderr
    assert cutter.turns[:6] == [CLIENT, SERVER] * 3, "the turns that the other tests count"
    assert cutter.connections == 2, "one to provision, one to attest the application"


def test_a_swallowed_answer_is_recovered_by_attesting_the_same_identity(cloud, through):
    result, cutter, env = through(6, "swallowed")
    assert result.returncode == 0, result.stderr
    assert cutter.turns == [CLIENT, SERVER] * 3
    app = json.loads(result.stdout)
    assert app["status"] == "running"
    context = os.path.join(env["MSE_CONF_PATH"], "context", app["id"], "context.mse")
    assert os.path.exists(context)


def test_a_swallowed_request_is_not_sent_again(cloud, through):
    result, cutter, env = through(5, "lost")
    assert result.returncode == 1
    assert cutter.turns == [CLIENT, SERVER, CLIENT, SERVER, CLIENT]
    assert [a for a in cloud.mse_json("list")["apps"] if a["name"] == "lost"] == []
    folder = os.path.join(env["MSE_CONF_PATH"], "context")
    assert os.listdir(folder) == [], "neither a context nor a pending one"


@pytest.mark.parametrize("turn", [1, 2, 3, 4])
def test_a_cut_before_provisioning_is_tried_again_and_sends_nothing_before(through, turn):
    """Nothing of the owner's had left: the next connection is attested from the beginning."""
    result, cutter, _ = through(turn, f"cut{turn}")
    assert result.returncode == 0, result.stderr
    assert cutter.connections == 3
