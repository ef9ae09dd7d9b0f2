"""A first confidential application: Flask, a health check, a secret that only the enclave knows."""
import json
import os
from pathlib import Path

from flask import Flask, Response, jsonify

app = Flask(__name__)
print("@NAME@ started", flush=True)


def secrets() -> dict:
    """What the owner sent to the enclave after verifying it; empty when nothing was sent."""
    path = Path(os.environ.get("SECRETS_PATH", ""))
    return json.loads(path.read_text()) if path.is_file() else {}


@app.get("/health")
def health() -> Response:
    """Asked by the platform: without authentication, without parameters."""
    return Response("OK", mimetype="text/plain")


@app.get("/")
def hello() -> Response:
    return Response("Hello world", mimetype="text/plain")


@app.get("/whoami")
def whoami() -> Response:
    return jsonify(login=secrets().get("login"))
