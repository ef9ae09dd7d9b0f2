# SPDX-License-Identifier: Apache-2.0
"""Which servers `make bench-server` compares, with which applications, and what is to be reached."""
import importlib.util
import os
import pathlib
import shutil

HERE = pathlib.Path(__file__).parent
APPS = HERE / "apps"
BUILD = pathlib.Path(os.environ.get("MSE_BUILD_DIR", HERE.parents[1] / "build"))
PYTHON = "/usr/bin/python3"

# name: (kind, module, path, is a POST of one MiB)
CASES = {
    "wsgi-hello": ("wsgi", "hello_wsgi", "/", False),
    "asgi-hello": ("asgi", "hello_asgi", "/", False),
    "flask-json": ("wsgi", "json_flask", "/", False),
    "fastapi-json": ("asgi", "json_fastapi", "/", False),
    "wsgi-1m-down": ("wsgi", "hello_wsgi", "/big", False),
    "wsgi-1m-up": ("wsgi", "hello_wsgi", "/echo", True),
    "asgi-1m-down": ("asgi", "hello_asgi", "/big", False),
    "asgi-1m-up": ("asgi", "hello_asgi", "/echo", True),
}
SMALL = ("wsgi-hello", "asgi-hello", "flask-json", "fastapi-json")

NGINX = """daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; ssl_protocols TLSv1.3; ssl_session_tickets off;
 ssl_session_cache off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
 uwsgi_temp_path {folder}; scgi_temp_path {folder};
 server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {cert}; ssl_certificate_key {key};
  location / {{ default_type text/plain; return 200 "Hello, world!"; }} }} }}
"""


def has_module(name):
    return importlib.util.find_spec(name) is not None


def uvloop_or(other):
    return "uvloop" if has_module("uvloop") else other


# name: (kinds or cases, what must be there, command)
SERVERS = {
    "mse": (("wsgi", "asgi"), None,
            [str(BUILD / "mse-enclave"), "--plain", "{app}", "--app-dir", "{apps}", "--bind", "127.0.0.1:{port}",
             "--cert", "{cert}", "--key", "{key}"]),
    "probe": (SMALL, None, [str(BUILD / "test/bench/probe"), "{kind}", "{port}", "{app}", "{cert}", "{key}"]),
    "nginx": (("wsgi-hello",), "nginx", ["nginx", "-p", "{folder}", "-c", "{folder}/nginx-{port}.conf"]),
    "uvicorn": (("asgi",), "uvicorn",
                [PYTHON, "-m", "uvicorn", "--loop", uvloop_or("asyncio"), "--http",
                 "httptools" if has_module("httptools") else "auto", "--log-level", "warning", "--no-access-log",
                 "--port", "{port}", "--ssl-certfile", "{cert}", "--ssl-keyfile", "{key}", "{app}"]),
    "hypercorn": (("asgi",), "hypercorn",
                  [PYTHON, "-m", "hypercorn", "-b", "127.0.0.1:{port}", "-k", uvloop_or("asyncio"), "--keep-alive", "75",
                   "--certfile", "{cert}", "--keyfile", "{key}", "{app}"]),
    "gunicorn": (("wsgi",), "gunicorn",
                 [PYTHON, "-m", "gunicorn", "-k", "gthread", "-w", "1", "--threads", "8", "--keep-alive", "75",
                  "--log-level", "error", "-b", "127.0.0.1:{port}", "--certfile", "{cert}", "--keyfile", "{key}", "{app}"]),
    "uwsgi": (("wsgi",), "uwsgi",
              ["uwsgi", "--plugins", "http,python3", "--https", "127.0.0.1:{port},{cert},{key}", "--http-keepalive",
               "--add-header", "Connection: keep-alive", "-p", "1", "--master", "--die-on-term", "--disable-logging",
               "--need-app", "--chdir", "{apps}", "-w", "{app}"]),
}
PYTHON_SERVERS = ("uvicorn", "hypercorn", "gunicorn", "uwsgi")


def missing(name):
    """Why a server cannot be measured here; None if it can."""
    needs = SERVERS[name][1]
    if needs and not (shutil.which(needs) or has_module(needs)):
        return f"{needs} is not installed"
    return None


def serves(name, case):
    kinds = SERVERS[name][0]
    return case in kinds or CASES[case][0] in kinds


# What issue and design want: (case, servers to compare with, or their best; at least so much of their rate).
GOALS = [
    ("wsgi-hello", ("probe",), 0.65), ("wsgi-hello", ("nginx",), 0.65),
    ("asgi-hello", ("probe",), 0.60), ("asgi-hello", ("uvicorn",), 1.25),
    ("flask-json", ("probe",), 0.90), ("flask-json", ("gunicorn", "uwsgi"), 1.2),
    ("fastapi-json", ("probe",), 0.85), ("fastapi-json", ("uvicorn",), 1.1),
    ("h2-hello", ("nginx",), 0.4),
    *((case, PYTHON_SERVERS, 1.0) for case in CASES if "1m" in case),
]
