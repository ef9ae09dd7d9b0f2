# SPDX-License-Identifier: Apache-2.0
"""The built-in sign-in: authorization code with PKCE, refresh rotation, device grant, throttling, tokens."""
import json
import re

import pytest

import apiclient
import testcloud
from signin import Flow, activate, b64url, begin_device, claims_of, poll_device, refresh, signed_in


@pytest.fixture
def client(cloud):
    return apiclient.Client(cloud)


def test_code_flow_gives_tokens_that_work(cloud, client):
    tokens = signed_in(client)
    assert tokens["token_type"] == "Bearer" and tokens["expires_in"] > 1000
    claims = claims_of(tokens["id_token"])
    assert (claims["email"], claims["nonce"], claims["aud"]) == (testcloud.EMAIL, "n1", "mse-cli")
    me = apiclient.Client(cloud, tokens["access_token"]).get("/users/me")
    assert me.status == 200 and me.json["email"] == testcloud.EMAIL
    assert apiclient.Client(cloud, tokens["id_token"]).get("/users/me").status == 401


def test_the_page_has_no_script_and_is_not_framed(client):
    page = Flow(client).page
    assert page.status == 200 and "<script" not in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Set-Cookie"].startswith("__Host-") and "HttpOnly" in page.headers["Set-Cookie"]


def test_what_the_page_repeats_is_escaped(client):
    page = Flow(client, state='"><script>alert(1)</script>').page
    assert page.status == 200 and "<script" not in page.text


@pytest.mark.parametrize("changes", [
    {"client_id": "nobody"}, {"response_type": "token"}, {"code_challenge_method": "plain"}, {"code_challenge": "short"},
    {"redirect_uri": "https://evil.example/"}, {"redirect_uri": "http://127.0.0.1.evil.example/"},
    {"redirect_uri": "http://evil.example@127.0.0.1/"}, {"redirect_uri": "javascript:alert(1)"},
], ids=lambda c: " ".join(c.items().__iter__().__next__()))
def test_wrong_requests_get_a_page_and_no_redirect(client, changes):
    page = Flow(client, **changes).page
    assert page.status == 400 and "Location" not in page.headers


def test_a_wrong_password_is_refused(client):
    answer = Flow(client).post(password="wrong password")
    assert answer.status == 401 and "Location" not in answer.headers
    assert "wrong password" not in answer.text


def test_a_form_from_elsewhere_is_refused(client):
    flow = Flow(client)
    assert flow.post(headers={"Cookie": "__Host-mse-csrf=other"}).status == 403
    assert flow.post(csrf="").status == 403
    assert flow.post(headers={"Origin": "https://evil.example"}).status == 403
    assert Flow(client).post(headers={"Origin": f"https://{client.host}:{client.cloud.port}"}).status == 302


def test_a_code_is_used_once_and_its_tokens_end_with_the_second_use(client):
    flow = Flow(client)
    code = flow.code()
    first = flow.tokens(code)
    assert first.status == 200
    again = flow.tokens(code)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert refresh(client, first.json["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize("changes", [{"code_verifier": "x" * 43}, {"redirect_uri": "http://127.0.0.1:1/"},
                                     {"client_id": "mse-cli-original"}], ids=["verifier", "redirect", "client"])
def test_a_code_needs_what_it_was_made_for(client, changes):
    flow = Flow(client)
    assert flow.tokens(flow.code(), **changes).json["error"] == "invalid_grant"


def test_refresh_tokens_turn_and_reuse_ends_the_family(client):
    first = signed_in(client)["refresh_token"]
    second = refresh(client, first).json["refresh_token"]
    assert second != first
    third = refresh(client, second)
    assert third.status == 200
    reused = refresh(client, first)
    assert (reused.status, reused.json["error"]) == (400, "invalid_grant")
    assert reused.json["error_description"]
    assert refresh(client, third.json["refresh_token"]).json["error"] == "invalid_grant"


def test_the_originals_client_keeps_its_refresh_token(cloud, client):
    tokens = signed_in(client, client_id="mse-cli-original")
    for _ in range(3):
        answer = refresh(client, tokens["refresh_token"], "mse-cli-original")
        assert answer.status == 200 and "refresh_token" not in answer.json
    assert apiclient.Client(cloud, answer.json["access_token"]).get("/users/me").status == 200
    assert refresh(client, tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_logout_ends_the_family(client):
    token = signed_in(client)["refresh_token"]
    answer = client.ask("POST", "/logout?federated", json.dumps({"refresh_token": token}),
                        {"Content-Type": "application/json"})
    assert answer.status == 200
    assert refresh(client, token).json["error"] == "invalid_grant"


def test_without_offline_access_there_is_no_refresh_token(client):
    assert "refresh_token" not in signed_in(client, scope="openid email")


def test_device_flow(cloud, client):
    device = begin_device(client)
    assert re.fullmatch("[A-Z]{4}-[A-Z]{4}", device["user_code"])
    assert device["verification_uri_complete"].endswith(device["user_code"])
    assert poll_device(client, device).json["error"] in ("authorization_pending", "slow_down")
    assert activate(client, device["user_code"]).status == 200
    tokens = poll_device(client, device)
    assert tokens.status == 200 and tokens.json["refresh_token"]
    assert apiclient.Client(cloud, tokens.json["access_token"]).get("/users/me").status == 200
    assert poll_device(client, device).json["error"] == "invalid_grant"


def test_a_refused_device_gets_nothing(client):
    device = begin_device(client)
    assert activate(client, device["user_code"], answer="no").status == 200
    assert poll_device(client, device).json["error"] == "access_denied"
    assert activate(client, device["user_code"]).status == 404


def test_a_device_needs_the_password(client):
    device = begin_device(client)
    assert activate(client, device["user_code"], password="wrong password").status == 401
    assert poll_device(client, device).json["error"] in ("authorization_pending", "slow_down")


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "mse_unknown", "eyJhbGciOiJub25lIn0.e30.", "A" * 9000])
def test_foreign_tokens_are_refused(cloud, token):
    answer = apiclient.Client(cloud, token or None).get("/apps")
    assert answer.status == 401 and answer.json["error"] == "unauthenticated"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_changed_token_is_refused(cloud, client):
    header, body, signature = signed_in(client)["access_token"].split(".")
    claims = claims_of(f"{header}.{body}.{signature}")
    claims["exp"] += 10000
    forged = b64url(json.dumps(claims).encode())
    assert apiclient.Client(cloud, f"{header}.{forged}.{signature}").get("/apps").status == 401
    none = b64url(json.dumps({"alg": "none", "typ": "at+jwt"}).encode())
    assert apiclient.Client(cloud, f"{none}.{body}.").get("/apps").status == 401


def test_an_api_token_expires(cloud):
    import time
    token = testcloud.run([cloud.program("msed"), "token", "create", "--data-dir", cloud.data, "--user",
                           testcloud.EMAIL, "--expires-in", "2"], env=cloud.env).stdout.strip()
    assert token.startswith("mse_")
    assert apiclient.Client(cloud, token).get("/users/me").status == 200
    time.sleep(2.1)
    assert apiclient.Client(cloud, token).get("/users/me").status == 401


def test_tokens_are_not_stored_as_they_are(cloud, client):
    tokens = signed_in(client)
    for path in cloud.data.glob("cloud.db*"):
        data = path.read_bytes()
        assert tokens["refresh_token"].encode() not in data
        assert tokens["access_token"].encode() not in data
        assert testcloud.PASSWORD.encode() not in data
    assert tokens["refresh_token"] not in cloud.log_text()


def test_many_wrong_passwords_close_the_form(cloud, client):
    """On an address of its own, so that the shared cloud's user is not locked out."""
    for _ in range(10):
        assert Flow(client).post(email="nobody@example.com", password="wrong password").status == 401
    answer = Flow(client).post(email="nobody@example.com", password="wrong password")
    assert answer.status == 401 and "Too many attempts" in answer.text
    assert Flow(client).post().status == 302
