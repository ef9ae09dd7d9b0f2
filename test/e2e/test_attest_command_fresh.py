# SPDX-License-Identifier: Apache-2.0
"""mse attest fresh and verify --host against a real mse-enclave: exit status, JSON, what is saved and judged again
without network, and what a changed byte of it is called."""
import hashlib
import json
import re
import signal
import socket
import subprocess
import time

import pytest

import attackers
import attestcommand

ZERO = "0" * 64


@pytest.fixture(scope="module")
def live(world):
    """(enclave, port) of a running application."""
    with world.enclave() as enclave:
        enclave.run()
        with attackers.passing(lambda _: enclave) as proxy:
            yield enclave, proxy.port


@pytest.fixture
def command(build, world, live, tmp_path):
    """command(*options): mse attest fresh against the live enclave, all that it needs unless told otherwise."""
    enclave, port = live

    def run(*more, role="2", root=world.vendor.root, pccs=world.pccs.url, host=f"{enclave.instance['domain']}:{port}"):
        argv = ["fresh", "--host", host, "--role", role]
        argv += ["--allow-simulation", root] if root else []
        argv += ["--pccs", pccs] if pccs else []
        return attestcommand.run(build, *argv, *more, cwd=tmp_path)
    return run


@pytest.fixture
def saved(command, live, tmp_path):
    result = command("--measurement", live[0].tee.mrenclave.hex(), "--save", tmp_path / "saved.json")
    assert result.code == 0, result.text
    return tmp_path / "saved.json"


@pytest.fixture
def judge(build, world, tmp_path):
    """judge(text of a saved exchange) without any network."""
    def run(text, *more, root=world.vendor.root):
        path = tmp_path / "given.json"
        path.write_text(text)
        return attestcommand.run(build, "fresh", "--from", path, *(["--allow-simulation", root] if root else []), *more,
                                 cwd=tmp_path)
    return run


def hashed(text):
    """The text with the hash that belongs to it: what somebody who knows the format writes."""
    head, _, _ = text.partition(',\n"sha256"')
    return f'{head},\n"sha256":"{hashlib.sha256(head.encode()).hexdigest()}"\n}}\n'


def test_a_live_connection_is_accepted(command, live, world):
    enclave, _ = live
    result = command("--measurement", enclave.tee.mrenclave.hex(), "--json")
    assert result.code == 0, result.text
    verdict = result.json()
    attestcommand.check_verdict(verdict)
    assert (verdict["verdict"], verdict["error"], verdict["simulated"]) == ("accept", None, True)
    assert verdict["measurement"] == enclave.tee.mrenclave.hex() and verdict["role"] == 2
    assert verdict["domain"] == enclave.instance["domain"]


def test_text_says_that_it_is_simulated_first(command):
    result = command()
    assert result.code == 0, result.text
    assert result.out.startswith("SIMULATED: no hardware protects this\nACCEPTED\n")


@pytest.mark.parametrize("more, name", [
    ({"root": None}, "simulated"), ({"role": "1"}, "role"), ({"more": ["--measurement", ZERO]}, "measurement"),
    ({"more": ["--owner-key", ZERO]}, "ticket-signature"), ({"more": ["--servername", "other.localhost"]}, None)])
def test_refusals_have_names(command, more, name):
    result = command(*more.pop("more", []), "--json", **more)
    if name is None:  # the enclave knows no such name: it is refused, or the handshake fails
        assert result.code in (1, 2), result.text
        return
    assert result.code == 2, result.text
    verdict = result.json()
    attestcommand.check_verdict(verdict)
    assert (verdict["verdict"], verdict["error"]) == ("refuse", name)


def test_an_enclave_that_waits_for_its_keys_has_role_1(build, world, tmp_path):
    with world.enclave() as enclave, attackers.passing(lambda _: enclave) as proxy:
        enclave.start()
        argv = ["fresh", "--host", f"{enclave.instance['config_domain']}:{proxy.port}", "--allow-simulation",
                world.vendor.root, "--pccs", world.pccs.url, "--json"]
        for role, name in (("1", None), ("2", "role")):
            result = attestcommand.run(build, *argv, "--role", role, cwd=tmp_path)
            assert result.code == (2 if name else 0) and result.json()["error"] == name, result.text


def test_the_owner_is_asked_for(command, live):
    enclave, _ = live
    key = attackers.testenclave.raw_public(enclave.owner_key).hex()
    assert command("--owner-key", key).code == 0
    late = command("--owner-key", key, "--tickets-from", "2099-01-01T00:00:00Z", "--json")
    assert late.code == 2 and late.json()["error"] == "ticket-older"


def test_who_is_no_enclave_is_refused_by_name(command):
    context = attackers.server_context(*attackers.make_certificate("plain.localhost"))
    with attackers.ending(context, lambda tls, _: tls.sendall(attackers.http_answer(b"", "404 Not Found"))) as plain:
        result = command("--json", "--save", "never.json", host=f"plain.localhost:{plain.port}")
    assert result.code == 2, result.text
    verdict = result.json()
    attestcommand.check_verdict(verdict)
    assert verdict["error"] == "attest-http" and verdict["saved"] is None


def test_who_is_not_there_cannot_be_judged(command):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = command("--json", host=f"gone.localhost:{port}")
    assert result.code == 1 and result.out == "", result.text


@pytest.mark.parametrize("argv", [("fresh", "--role", "2"), ("verify",)])
def test_ctrl_c_while_nothing_answers_is_no_failure_of_tls(build, tmp_path, argv):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        host = f"silent.localhost:{listener.getsockname()[1]}"
        env = {"HOME": str(tmp_path), "PATH": "/usr/bin", "LANG": "C.UTF-8", "MSE_CONF_PATH": str(tmp_path / "conf")}
        with subprocess.Popen([f"{build}/mse", "attest", *argv, "--host", host], env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as running:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)  # it has said hello, and waits
                running.send_signal(signal.SIGINT)
                out, text = running.communicate(timeout=20)
    assert running.returncode == 130 and out == "", text
    assert text.endswith("interrupted\n") and "TLS" not in text and "wanted" not in text, text


@pytest.mark.parametrize("options, part", [
    (["--host", "a.localhost"], "--role"), (["--role", "2"], "--host or --from"),
    (["--host", "a.localhost", "--role", "3"], "expected 1"),
    (["--host", "a.localhost", "--role", "2", "--time", "2026-01-01T00:00:00Z"], "--time"),
    (["--host", "a.localhost", "--role", "2", "--tickets-from", "2026-01-01T00:00:00Z"], "--owner-key"),
    (["--host", "a.localhost", "--role", "2", "--owner-key", "00"], "--owner-key"),
    (["--host", "a.localhost", "--from", "x"], "--host or --from"), (["--from", "absent"], "absent"),
    (["--host", "127.0.0.1:1", "--role", "2", "--release", "/dev/null"], "--release /dev/null"),
    (["--from", "absent", "--save", "x"], "--save")])
def test_wrong_use_is_no_verdict(build, tmp_path, options, part):
    result = attestcommand.run(build, "fresh", *options, cwd=tmp_path)
    assert result.code == 1 and result.out == "" and part in result.text, result.text


# ---- what was saved ----

def test_a_saved_exchange_is_judged_again(saved, judge, live):
    document = json.loads(saved.read_text())
    assert document["evidence"]["kind"] == "exchange" and saved.stat().st_mode & 0o777 == 0o600
    result = judge(saved.read_text(), "--measurement", live[0].tee.mrenclave.hex(), "--json")
    assert result.code == 0, result.text
    attestcommand.check_verdict(result.json())
    assert result.json()["asked"] == document["exchange"]["asked"] == result.json()["time"]


def test_a_refused_exchange_is_worth_keeping(command, judge, tmp_path):
    path = tmp_path / "refused.json"
    assert command("--measurement", ZERO, "--save", path).code == 2
    assert judge(path.read_text()).code == 0
    assert judge(path.read_text(), "--measurement", ZERO, "--json").json()["error"] == "measurement"


def test_a_file_that_cannot_be_written_hides_no_verdict(command, tmp_path):
    nowhere = tmp_path / "absent" / "saved.json"
    accepted = command("--json", "--save", nowhere)
    assert accepted.code == 1 and "--save" in accepted.err, accepted.text
    assert accepted.json()["verdict"] == "accept" and accepted.json()["saved"] is None
    refused = command("--json", "--measurement", ZERO, "--save", nowhere)
    assert refused.code == 2 and "--save" in refused.err, refused.text
    assert refused.json()["error"] == "measurement" and refused.json()["saved"] is None


def test_policy_and_time_are_the_judges(saved, judge):
    text = saved.read_text()
    assert judge(text, "--json", root=None).json()["error"] == "simulated"
    assert judge(text, "--json", "--role", "1").json()["error"] == "role"
    late = judge(text, "--json", "--time", "2099-01-01T00:00:00Z")
    assert late.code == 2 and late.json()["error"] in ("crl-expired", "tcb-info-expired", "cert-expired"), late.text


def change_hex(text, member):
    found = re.search(rf'"{member}":"(.)', text)
    digit = "0" if found[1] != "0" else "1"
    return text[:found.start(1)] + digit + text[found.end(1):]


def change_answer(text, edit):
    document = json.loads(text)
    answer = json.loads(attackers.base64.b64decode(document["evidence"]["data"]))
    edit(answer)
    new = attackers.encode(attackers.dump(answer))
    return text.replace(document["evidence"]["data"], new)


def flip_in(name, at):
    def edit(answer):
        data = bytearray(attackers.base64.b64decode(answer[name]))
        data[at] ^= 1
        answer[name] = attackers.encode(bytes(data))
    return edit


@pytest.mark.parametrize("edit, name", [
    (lambda t: change_hex(t, "nonce"), "fresh-binding"),
    (lambda t: change_hex(t, "exporter"), "fresh-binding"),
    (lambda t: change_hex(t, "tls_key"), "tls-key"),
    (lambda t: t.replace('"role":2', '"role":1'), "role"),
    (lambda t: re.sub(r'"domain":"[^"]*"', '"domain":"other.localhost"', t), "instance-field:domain"),
    (lambda t: re.sub(r'"elapsed_ms":\d+', '"elapsed_ms":31000', t), "stale"),
    (lambda t: re.sub(r'"asked":"\d{4}', '"asked":"1999', t), "not-yet-valid"),
    (lambda t: change_answer(t, flip_in("quote", 100)), "quote-signature"),
    (lambda t: change_answer(t, flip_in("certificate", -1)), "ratls-certificate"),
    (lambda t: change_answer(t, lambda a: a.update(index=1)), "proof"),
    (lambda t: change_answer(t, lambda a: a.update(version=2)), "attest-version"),
    (lambda t: re.sub(r'"pck_crl":"[^"]*",?\n?', "", t), "crl-missing")])
@pytest.mark.parametrize("knows_the_format", [False, True])
def test_a_change_is_refused_by_name(saved, judge, edit, name, knows_the_format):
    changed = edit(saved.read_text())
    assert changed != saved.read_text()
    result = judge(hashed(changed) if knows_the_format else changed, "--json")
    assert result.code == 2, result.text
    attestcommand.check_verdict(result.json())
    assert result.json()["error"] == name


def test_a_change_that_breaks_nothing_else_is_seen(saved, judge):
    text = saved.read_text()
    changed = re.sub(r'"made":"20\d\d', '"made":"2000', text)
    result = judge(changed, "--json")
    assert result.code == 2 and result.json()["error"] == "saved-changed"
    assert result.json()["failed_check"] == "saved-file"
    assert judge(hashed(changed)).code == 0
    assert "saved-changed" in judge(text[:-6] + ("0" if text[-6] != "0" else "1") + text[-5:]).text


@pytest.mark.parametrize("edit", [lambda t: t[:-1], lambda t: t + " ", lambda t: t[:len(t) // 2], lambda t: "",
                                  lambda t: t.replace('"version":1', '"version":2'),
                                  lambda t: t.replace('"exchange":{', '"exchange":{"owner":"",')])
def test_what_is_no_saved_exchange_cannot_be_judged(saved, judge, edit):
    result = judge(edit(saved.read_text()))
    assert result.code == 1 and result.out == "", result.text


def test_whoever_is_asked_by_another_name_is_named_so(command, live, judge, tmp_path):
    enclave, port = live
    path = tmp_path / "named.json"
    named = command("--servername", enclave.instance["domain"].upper(), "--save", path, host=f"127.0.0.1:{port}")
    assert named.code == 0 and judge(path.read_text()).code == 0, named.text
    unnamed = command("--json", "--save", path, host=f"127.0.0.1:{port}")
    assert unnamed.code == 2 and unnamed.json()["error"] == "instance-field:domain", unnamed.text
    assert judge(path.read_text(), "--json").json()["error"] == "instance-field:domain"
    assert command("--servername", 'a"b', host=f"127.0.0.1:{port}").code == 1


def test_a_saved_exchange_is_no_bundle(build, saved, tmp_path):
    result = attestcommand.run(build, "verify", "--bundle", saved, "--report-data", "any", cwd=tmp_path)
    assert result.code == 1 and "fresh --from" in result.text
    result = attestcommand.run(build, "bundle", "--refresh", saved, "--collateral", tmp_path, cwd=tmp_path)
    assert result.code == 1 and "judged as of its time" in result.text


# ---- verify --host: the certificate of a handshake ----

def test_the_certificate_of_a_handshake(build, world, live, tmp_path):
    enclave, port = live
    argv = ["verify", "--host", f"{enclave.instance['domain']}:{port}", "--pccs", world.pccs.url, "--json"]
    result = attestcommand.run(build, *argv, "--allow-simulation", world.vendor.root, cwd=tmp_path)
    assert result.code == 0, result.text
    attestcommand.check_verdict(result.json())
    assert any(c["name"] == "tls-key" and c["result"] == "passed" for c in result.json()["checks"])
    assert attestcommand.run(build, *argv, cwd=tmp_path).json()["error"] == "simulated"
    loose = attestcommand.run(build, *argv, "--allow-simulation", world.vendor.root, "--report-data", "any", cwd=tmp_path)
    assert "report-data-extra" in {each["name"] for each in loose.json()["loosenings"]}, "every loosening is listed"
    for seconds, code, error in (("999999", 0, None), ("1", 2, "stale")):
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60))
        aged = attestcommand.run(build, *argv, "--allow-simulation", world.vendor.root, "--max-age", seconds, "--time", later,
                                 cwd=tmp_path)
        assert aged.code == code and aged.json()["error"] == error, aged.text
        assert any(c["name"] == "age" and (c["result"] == "passed") == (code == 0) for c in aged.json()["checks"])
        assert any(c["name"] == "instance-field:domain" or "instance" in c["name"] for c in aged.json()["checks"])
        assert "no nonce was asked for" in aged.json()["warning"] and "no nonce" in result.json()["warning"]
        ends = {each["what"]: each["until"] for each in aged.json()["expiries"]}
        assert "certificate-age" in ends and aged.json()["valid_until"] == min(ends.values()), ends


def test_a_copied_certificate_is_of_another_domain(build, world, live, tmp_path):
    enclave, _ = live
    context = attackers.server_context(*attackers.stolen(enclave))
    with attackers.ending(context, lambda tls, _: None) as thief:
        result = attestcommand.run(build, "verify", "--host", f"other.localhost:{thief.port}", "--pccs", world.pccs.url,
                                   "--allow-simulation", world.vendor.root, "--json", cwd=tmp_path)
    assert result.code == 2 and result.json()["error"] == "instance-field:domain", result.text


def test_a_plain_server_has_no_evidence(build, world, tmp_path):
    context = attackers.server_context(*attackers.make_certificate("plain.localhost"))
    with attackers.ending(context, lambda tls, _: None) as plain:
        result = attestcommand.run(build, "verify", "--host", f"plain.localhost:{plain.port}", "--pccs",
                                   world.pccs.url, "--json", cwd=tmp_path)
    assert result.code == 2 and result.json()["error"] == "ratls-certificate", result.text


@pytest.mark.parametrize("command", ["verify", "fresh"])
def test_older_tls_is_refused_by_name(build, world, tmp_path, command):
    context = attackers.server_context(*attackers.make_certificate("old.localhost"),
                                       maximum=attackers.ssl.TLSVersion.TLSv1_2)
    with attackers.ending(context, lambda tls, _: None) as old:
        result = attestcommand.run(build, command, "--host", f"old.localhost:{old.port}", "--pccs", world.pccs.url,
                                   "--json", *(["--role", "2"] if command == "fresh" else []), cwd=tmp_path)
    assert result.code == 2 and result.json()["error"] == "tls-version", result.text
    attestcommand.check_verdict(result.json())


def test_a_bundle_of_a_host_is_its_certificate(build, world, live, tmp_path):
    enclave, port = live
    path = tmp_path / "host.json"
    made = attestcommand.run(build, "bundle", "--host", f"{enclave.instance['domain']}:{port}", "--pccs", world.pccs.url,
                             "--output", path, "--json", cwd=tmp_path)
    assert made.code == 0 and made.json()["missing"] == [] and made.json()["verified"] is False, made.text
    assert json.loads(path.read_text())["evidence"]["kind"] == "ratls"
    result = attestcommand.run(build, "verify", "--bundle", path, "--allow-simulation", world.vendor.root, "--json",
                               cwd=tmp_path)
    assert result.code == 0, result.text
    assert any(c["name"] == "tls-key" and c["result"] == "not-applicable" for c in result.json()["checks"])


# ---- an app of a real cloud: its collateral is found, its simulation root is not believed unasked ----

def test_an_app_of_a_cloud(cloud, deployed, tmp_path):
    root = cloud.simulation_root

    def fresh(*options, code=0):
        result = attestcommand.run(cloud.build, "fresh", *options, cwd=tmp_path, env=cloud.env)
        assert result.code == code, result.text
        return result

    argv = ["--host", deployed["address"], "--role", "2", "--json"]
    accepted = fresh(*argv, "--measurement", deployed["fingerprint"], "--allow-simulation", root, "--save",
                     tmp_path / "app.json").json()
    attestcommand.check_verdict(accepted)
    assert accepted["verdict"] == "accept" and accepted["instance"]["uuid"] == deployed["id"]
    assert all(item["source"] for item in accepted["collateral"]) and accepted["collateral"]
    assert fresh(*argv, code=2).json()["error"] == "simulated"
    again = fresh("--from", tmp_path / "app.json", "--allow-simulation", root)
    assert again.out.startswith("SIMULATED: no hardware protects this\nACCEPTED\n")
    assert deployed["address"] in again.err
