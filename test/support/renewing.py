# SPDX-License-Identifier: Apache-2.0
"""A plain server whose certificate is renewed: its application, its files, and clients that look at what is shown."""
import os
import socket
import ssl

import attackers

APP = """
import asyncio, os
gates = {}

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    gate = gates.setdefault(scope["query_string"], asyncio.Event())
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    if scope["path"] == "/open":
        gate.set()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
    if scope["path"] == "/wait":
        await gate.wait()
    await send({"type": "http.response.body", "body": b"done by %d" % os.getpid()})
"""


class Pair:
    def __init__(self, folder):
        self.cert, self.key = folder / "fullchain.pem", folder / "privkey.pem"
        self.renew()

    def renew(self, cert=True, key=True):
        """As who is careful does it: each file written beside, then renamed over."""
        certificate, private = attackers.make_certificate("localhost")
        for path, text, wanted in ((self.key, attackers.key_pem(private), key), (self.cert, attackers.pem(certificate), cert)):
            if wanted:
                path.with_suffix(".new").write_bytes(text)
                os.replace(path.with_suffix(".new"), path)

    def options(self):
        return "--cert", self.cert, "--key", self.key


def dial(server, alpn="http/1.1"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    raw = socket.create_connection(("127.0.0.1", server.port()), 30)
    return context.wrap_socket(raw, server_hostname="localhost")


def shown(server):
    with dial(server) as tls:
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))


def wait_shown(server, path):
    server.wait_for(lambda: shown(server).split() == path.read_text().split(), 20)


def ask(tls, path="/"):
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return read(tls, b"\r\n0\r\n\r\n")


def read(tls, until):
    got = b""
    while not got.endswith(until):
        piece = tls.recv(65536)
        assert piece, got
        got += piece
    return got
