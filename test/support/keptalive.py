# SPDX-License-Identifier: Apache-2.0
"""Clients that ask all the time on connections that they keep, and count what they lose."""
import threading

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class KeptAlive(threading.Thread):
    """Asks until the server says goodbye; comes again if there is to be a next connection."""

    def __init__(self, server, comes_again):
        super().__init__()
        self.server, self.comes_again = server, comes_again
        self.is_over = False
        self.answered = self.farewells = 0
        self.lost = []

    def ask(self, sock):
        """False: this was the last answer of the connection."""
        sock.sendall(REQUEST)
        got = b""
        while not got.endswith(b"whole"):
            piece = sock.recv(4096)
            if not piece:
                raise ConnectionError(f"closed behind {got!r}")
            got += piece
        self.answered += 1
        return b"\r\nConnection: close\r\n" not in got

    def use(self, sock):
        while not self.is_over:
            if not self.ask(sock):
                self.farewells += 1
                return

    def run(self):
        while not self.is_over:
            try:
                with self.server.dial() as sock:
                    self.use(sock)
            except OSError as error:
                self.lost.append(repr(error))
            if not self.comes_again:
                return


def start(server, count, comes_again):
    clients = [KeptAlive(server, comes_again) for _ in range(count)]
    for client in clients:
        client.start()
    server.wait_for(lambda: all(client.answered >= 5 or client.lost for client in clients))
    return clients


def end(clients):
    """The losses of all."""
    for client in clients:
        client.is_over = True
    for client in clients:
        client.join(30)
    return [loss for client in clients for loss in client.lost]
