"""What the tests share: the address of the application and how to ask it. Only the standard library is needed.

`mse cloud localtest` and `mse cloud test` set
  TEST_REMOTE_URL   where the application listens
  TEST_CERTIFICATE  (remote) the certificate that was verified just before; only this one is trusted
  TEST_SECRET_JSON  (local) the secrets file
"""
import http.client
import json
import os
import socket
import ssl
import urllib.parse


def url() -> str:
    return os.environ.get("TEST_REMOTE_URL", "http://127.0.0.1:5000")


def sent_secrets():
    """What was sent to the application, or None when the tests cannot know."""
    path = os.environ.get("TEST_SECRET_JSON")
    if not path:
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def connect(host: str, port: int) -> socket.socket:
    """Names under localhost are the loopback, whatever the resolver thinks (RFC 6761)."""
    if host == "localhost" or host.endswith(".localhost"):
        host = "127.0.0.1"
    return socket.create_connection((host, port), timeout=30)


def get(path: str):
    """GET path of the application: (status, text)."""
    target = urllib.parse.urlsplit(url())
    secure = target.scheme == "https"
    port = target.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(target.hostname, port, timeout=30)
    connection.sock = connect(target.hostname, port)
    if secure:
        context = ssl.create_default_context(cafile=os.environ.get("TEST_CERTIFICATE"))
        connection.sock = context.wrap_socket(connection.sock, server_hostname=target.hostname)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
