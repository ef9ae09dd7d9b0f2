# SPDX-License-Identifier: Apache-2.0
"""An API on the loopback whose answers the test sets, for what mse does with answers that no honest cloud gives."""
import contextlib
import http.server
import json
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body, *headers = next((a for p, a in self.server.answers.items() if self.path.startswith(p)),
                                      (404, {"message": "no"}))
        self.server.asked.append(self.path)
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving():
    """The server: .url, .asked (paths), and .answers, path prefix -> (status, JSON, (field, value)…)."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.answers = {"/users/me": (200, {"email": "a@b.c"})}
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
