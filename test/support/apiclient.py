# SPDX-License-Identifier: Apache-2.0
"""A plain client of msed's API for tests: no library, no retries, every answer with status, headers and body."""
import http.client
import io
import json
import secrets
import socket
import ssl
import tarfile
import urllib.parse


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:500]!r}"


class Client:
    """One TLS connection a request, to the public port, by the API's name, verified by the cloud's own CA."""

    def __init__(self, cloud, token=None):
        self.cloud, self.token = cloud, token
        self.host = f"api.{cloud.base_domain}"
        self.context = ssl.create_default_context(cafile=str(cloud.ca))

    def ask(self, method, path, body=None, headers=None, timeout=40):
        raw = socket.create_connection(("127.0.0.1", self.cloud.port), timeout=timeout)
        connection = http.client.HTTPConnection(self.host, self.cloud.port, timeout=timeout)
        connection.sock = self.context.wrap_socket(raw, server_hostname=self.host)
        all_headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        all_headers.update(headers or {})
        try:
            connection.request(method, path, body=body, headers=all_headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def form(self, path, headers=None, **fields):
        return self.ask("POST", path, urllib.parse.urlencode(fields),
                        {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})

    def deploy(self, conf, tar=None, boundary=None):
        """POST /apps as the original's client sends it: code first, then conf."""
        boundary = boundary or secrets.token_hex(16)
        parts = [(f'name="code"; filename="app.tar"', "application/tar", tar if tar is not None else code_tar()),
                 ('name="conf"', "application/json", json.dumps(conf).encode())]
        body = b"".join(f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\nContent-Type: {kind}\r\n\r\n".encode()
                        + content + b"\r\n" for name, kind, content in parts) + f"--{boundary}--\r\n".encode()
        return self.ask("POST", "/apps", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def code_tar(files=None):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted((files or {"app.py.enc": b"x" * 100}).items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def conf(**changes):
    """What the original's client sends, with nulls where it has nothing."""
    values = {"name": "plain", "project": "default", "dev_mode": False, "healthcheck_endpoint": "/",
              "python_application": "app:app", "expires_at": None, "ssl_certificate": None, "domain_name": None,
              "hardware": "4g-eu-001", "docker": "mse-flask:20261122"}
    values.update(changes)
    return values
