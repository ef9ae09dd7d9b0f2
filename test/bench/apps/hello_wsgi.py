# SPDX-License-Identifier: Apache-2.0
"""The least a WSGI application can do; /big answers one MiB, /echo the size of what was posted."""
BIG = bytes(1 << 20)


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/echo":
        body, read = 0, environ["wsgi.input"].read
        while piece := read(65536):
            body += len(piece)
        body = str(body).encode()
    else:
        body = BIG if path == "/big" else b"Hello, world!"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
