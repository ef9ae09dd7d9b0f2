# SPDX-License-Identifier: Apache-2.0
"""A stand-in for an enclave that serves another protocol than HTTP: it has the true RA-TLS key and evidence of the test's
TEE for each of its connections, and then says whatever the test wants. A client cannot tell it from the enclave."""
import contextlib
import hashlib
import json
import select
import socket
import struct

from OpenSSL import SSL, crypto
from cryptography.hazmat.primitives import serialization as ser

import attackers

LABEL = b"EXPERIMENTAL-mse-attest-1"
TAG = b"mse-attest-1"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Stream:
    """Bytes both ways inside TLS; recv gives b"" at the end."""

    def __init__(self, tls, raw, rest=b""):
        self.tls = tls
        self.raw = raw
        self.rest = rest

    def recv(self, size=65536):
        if self.rest:
            data, self.rest = self.rest[:size], self.rest[size:]
            return data
        try:
            return self.tls.recv(size)
        except (SSL.ZeroReturnError, SSL.SysCallError, SSL.Error):
            return b""

    def read(self, size):
        data = b""
        while len(data) < size and (piece := self.recv(size - len(data))):
            data += piece
        return data

    def head(self):
        data = b""
        while not data.endswith(b"\r\n\r\n") and (byte := self.recv(1)):
            data += byte
        return data

    def sendall(self, data):
        view = memoryview(data)
        while view:
            view = view[self.tls.send(bytes(view[:16384])):]

    def fill(self, data):
        """Writes data again and again until nothing has gone for half a second."""
        self.raw.setblocking(False)
        while select.select([], [self.raw], [], 0.5)[1]:
            with contextlib.suppress(SSL.WantWriteError):
                self.tls.send(data)

    def reset(self):
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.close()

    def end(self):
        with contextlib.suppress(SSL.Error):
            self.tls.shutdown()


class StandIn:
    """serve(stream, number) runs for each connection once its evidence was given. heads: of the questions."""

    def __init__(self, world, enclave, serve, role=2, ticket=b"", tickets=False):
        self.world, self.enclave, self.serve, self.role, self.ticket = world, enclave, serve, role, ticket
        self.certificate, self.key = attackers.stolen(enclave)
        self.identity = enclave.identity()
        self.served = 0
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.context.set_min_proto_version(SSL.TLS1_3_VERSION)
        self.context.use_certificate(crypto.X509.from_cryptography(self.certificate))
        self.context.use_privatekey(crypto.PKey.from_cryptography_key(self.key))
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        if not tickets:
            self.context.set_options(SSL.OP_NO_TICKET)
        self.listener = attackers.Listener(self._connection)
        self.port = self.listener.port

    def _evidence(self, tls, nonce):
        spki = self.certificate.public_key().public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)
        leaf = sha256(b"\x00", TAG, bytes([self.role]), nonce, tls.export_keying_material(LABEL, 32, nonce), sha256(spki),
                      self.identity, sha256(self.enclave.document()),
                      sha256(self.ticket) if self.ticket else bytes(32))
        report_data = sha256(b"\x02", TAG, b"\x00", leaf) + TAG + bytes(20)
        quote = self.world.vendor.quote(self.enclave.tee.mrenclave, report_data)
        return {"version": 1, "role": self.role, "tee": "sim", "quote": attackers.encode(quote), "depth": 0, "index": 0,
                "path": [], "certificate": attackers.encode(self.certificate.public_bytes(ser.Encoding.DER)),
                "ticket": attackers.encode(self.ticket)}

    def _connection(self, raw, number):
        tls = SSL.Connection(self.context, raw)
        tls.set_accept_state()
        with contextlib.suppress(SSL.Error):
            tls.do_handshake()
            stream = Stream(tls, raw)
            request = attackers.read_request(stream)
            nonce = bytes.fromhex(json.loads(request[1])["nonce"])
            stream.sendall(attackers.http_answer(attackers.dump(self._evidence(tls, nonce))))
            self.served += 1
            self.serve(stream, number)
            stream.end()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.__exit__()
