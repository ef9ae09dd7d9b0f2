# SPDX-License-Identifier: Apache-2.0
"""The built-in sign-in as a browser and a device go through it."""
import base64
import hashlib
import html
import json
import re
import secrets
import urllib.parse

import testcloud

REDIRECT = "http://127.0.0.1:5355/callback"
SCOPE = "openid profile email offline_access"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Flow:
    """One authorization request, as a browser goes through it."""

    def __init__(self, client, **changes):
        self.client = client
        self.verifier = b64url(secrets.token_bytes(32))
        self.query = {"response_type": "code", "client_id": "mse-cli", "redirect_uri": REDIRECT, "scope": SCOPE,
                      "state": "s+t&te", "nonce": "n1", "code_challenge_method": "S256",
                      "code_challenge": b64url(hashlib.sha256(self.verifier.encode()).digest()), **changes}
        self.page = client.get("/authorize?" + urllib.parse.urlencode(self.query))

    def fields(self):
        found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', self.page.text)
        return {name: html.unescape(value) for name, value in found}

    def cookie(self):
        return self.page.headers["Set-Cookie"].split(";")[0]

    def post(self, email=testcloud.EMAIL, password=testcloud.PASSWORD, headers=None, **changes):
        return self.client.form("/authorize", {"Cookie": self.cookie(), **(headers or {})},
                                **{**self.fields(), "email": email, "password": password, **changes})

    def code(self):
        answer = self.post()
        assert answer.status == 302, answer
        location = urllib.parse.urlsplit(answer.headers["Location"])
        assert f"{location.scheme}://{location.netloc}{location.path}" == self.query["redirect_uri"]
        values = urllib.parse.parse_qs(location.query)
        assert values["state"] == ["s+t&te"]
        return values["code"][0]

    def tokens(self, code, **changes):
        return self.client.form("/oauth/token", **{"grant_type": "authorization_code",
                                                   "client_id": self.query["client_id"], "code": code,
                                                   "code_verifier": self.verifier,
                                                   "redirect_uri": self.query["redirect_uri"], **changes})


def signed_in(client, **changes):
    flow = Flow(client, **changes)
    answer = flow.tokens(flow.code())
    assert answer.status == 200, answer
    return answer.json


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def refresh(client, token, client_id="mse-cli"):
    return client.form("/oauth/token", grant_type="refresh_token", client_id=client_id, refresh_token=token)


def begin_device(client):
    answer = client.form("/oauth/device/code", client_id="mse-cli", scope=SCOPE)
    assert answer.status == 200
    return answer.json


def poll_device(client, device):
    return client.form("/oauth/token", grant_type="urn:ietf:params:oauth:grant-type:device_code", client_id="mse-cli",
                       device_code=device["device_code"])


def activate(client, user_code, answer="yes", password=testcloud.PASSWORD):
    page = client.get("/activate?user_code=" + user_code)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    return client.form("/activate", {"Cookie": page.headers["Set-Cookie"].split(";")[0]}, csrf=csrf,
                       user_code=user_code.lower().replace("-", " "), email=testcloud.EMAIL, password=password,
                       answer=answer)
