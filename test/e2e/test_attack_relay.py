# SPDX-License-Identifier: Apache-2.0
"""Somebody in the middle, with keys that no one should have (attached-channel section 11; docs/testing-channel.md).

The client is the real `mse cloud verify`, the server a real mse-enclave. The test plays the TEE and the host.
"""
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import attackers
import testenclave

OWNED_DOMAIN = "app.localhost"


def owner_context(world, enclave, **changes):
    return world.context(enclave, identity=enclave.identity().hex(), ticket=attackers.encode(enclave.sent_ticket),
                         **changes)


def relay(enclave, certificate, key, edit=lambda answer, nonce: answer, log=None, sni=None):
    """Ends TLS with the given key, forwards the nonce to the real enclave and the answer, edited, back."""
    def handle(tls, request):
        nonce = attackers.nonce_of(request)
        tls.sendall(attackers.http_answer(attackers.dump(edit(attackers.ask(enclave, nonce, sni=sni), nonce))))
    return attackers.ending(attackers.server_context(certificate, key), handle, log)


# ---- the controls: what these attacks start from is accepted ----

def test_the_honest_connection_is_accepted(world, victim):
    with attackers.passing(lambda _: victim) as proxy:
        seen = world.verify(victim, proxy.port)
        assert (seen.name, seen.code) == ("none", 0), seen.text
        assert "SIMULATED" in seen.text
        seen = world.verify(victim, proxy.port, context=owner_context(world, victim))
        assert seen.name == "none", seen.text


# ---- 1 to 4 ----

def test_relay_with_the_stolen_key(world, victim):
    """3: RA-TLS alone believes the relay; fresh evidence does not."""
    with relay(victim, *attackers.stolen(victim)) as proxy:
        assert world.ratls_alone(victim, proxy.port) == "none", "b2 of section 9: broken without fresh evidence"
        seen = world.verify(victim, proxy.port)
        assert seen.name == "fresh-binding", seen.text
        assert world.verify(victim, proxy.port, context=owner_context(world, victim)).name == "fresh-binding"


def test_relay_with_the_key_of_another_instance(world, victim):
    """4: the other instance's certificate is genuine and names the same domain."""
    with world.twin(victim) as other:
        other.start()
        assert other.provision().status == 200
        other.wait_running()
        certificate, key = attackers.stolen(other)
        der = certificate.public_bytes(ser.Encoding.DER)

        def with_its_certificate(answer, _):
            return {**answer, "certificate": attackers.encode(der)}
        with relay(victim, certificate, key, with_its_certificate) as proxy:
            assert world.ratls_alone(victim, proxy.port) == "none", "b1 of section 9"
            seen = world.verify(victim, proxy.port)
            assert seen.name == "fresh-binding", seen.text
        with relay(victim, certificate, key) as proxy:
            assert world.verify(victim, proxy.port).name == "tls-key"


def test_replay_of_an_answer(world, victim):
    """2: the answer that another connection got for its own nonce."""
    recorded = attackers.ask(victim, os.urandom(32))
    with relay(victim, *attackers.stolen(victim), lambda *_: recorded) as proxy:
        assert world.verify(victim, proxy.port).name == "fresh-binding"


def test_answer_of_an_earlier_connection(world, victim):
    """1: one connection to the enclave is kept; every nonce is asked there, also the same one twice."""
    with victim.connect() as kept:
        first = attackers.ask(victim, b"n" * 32, tls=kept)
        assert attackers.ask(victim, b"n" * 32, tls=kept)["quote"] != first["quote"] or first["path"] == []

        def handle(tls, request):
            answer = attackers.ask(victim, attackers.nonce_of(request), tls=kept)
            tls.sendall(attackers.http_answer(attackers.dump(answer)))
        with attackers.ending(attackers.server_context(*attackers.stolen(victim)), handle) as proxy:
            for _ in range(2):
                assert world.verify(victim, proxy.port).name == "fresh-binding"


# ---- 8, 10, 12, 15: the answer of the right enclave with something changed ----

def other_quote(victim):
    der = victim.certificate()
    return next(e.value.value for e in x509.load_der_x509_certificate(der).extensions
                if e.oid.dotted_string == testenclave.OID_QUOTE)


def broken_certificate(victim, old, new):
    der = victim.certificate()
    assert old in der
    return attackers.encode(der.replace(old, new))


EDITS = {
    "role-1-declared": (lambda v, a: {**a, "role": 1}, "role"),
    "role-3-declared": (lambda v, a: {**a, "role": 3}, "role"),
    "index": (lambda v, a: {**a, "index": 1}, "proof"),
    "path-longer": (lambda v, a: {**a, "path": ["00" * 32]}, "proof"),
    "depth-11": (lambda v, a: {**a, "depth": 11, "path": ["00" * 32] * 11}, "proof"),
    "pad-leaf": (lambda v, a: {**a, "depth": 1, "index": 0, "path": [testenclave.sha256(
        b"\x03mse-attest-1").hex()]}, "fresh-binding"),
    "instance-field": (lambda v, a: {**a, "certificate": broken_certificate(
        v, v.uuid.encode(), b"6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d11")}, "ratls-certificate"),
    "identity-quote": (lambda v, a: {**a, "quote": attackers.encode(other_quote(v))}, "fresh-tag"),
    "ticket-taken-away": (lambda v, a: {**a, "ticket": ""}, "fresh-binding"),
    "ticket-changed": (lambda v, a: {**a, "ticket": attackers.encode(os.urandom(213))}, "fresh-binding"),
    "tee-renamed": (lambda v, a: {**a, "tee": "tdx"}, None),
}


@pytest.mark.parametrize("name", EDITS)
def test_changed_answer(world, victim, name):
    edit, wanted = EDITS[name]
    with relay(victim, *attackers.stolen(victim), lambda answer, _: edit(victim, answer)) as proxy:
        seen = world.verify(victim, proxy.port)
        assert seen.code == 1
        assert seen.name == wanted or wanted is None and seen.name not in ("?", "none"), seen.text


def test_own_evidence_reflected(world, victim):
    """8: what a peer said of itself, for another role, is no evidence of the enclave's role 2."""
    with world.twin(victim) as waiting:
        waiting.start()  # role 1: its leaf says so, the relay declares 2
        with attackers.passing(lambda _: waiting) as proxy:
            seen = world.verify(waiting, proxy.port)
            assert seen.name == "role", seen.text

        def declared(answer, _):
            return {**answer, "role": 2}
        key = attackers.ec.generate_private_key(attackers.ec.SECP256R1())
        certificate, _ = attackers.make_certificate(waiting.instance["domain"], key=key)
        with relay(waiting, certificate, key, declared) as proxy:
            assert world.verify(waiting, proxy.port).name == "tls-key"


# ---- 12, 13, 29: other instances, twins, machines ----

@pytest.mark.parametrize("field, value", [
    ("domain", "fedcba9876543210.mse.localhost"), ("log_key", "ab" * 32), ("expires", "2034-01-01T00:00:00Z"),
    ("uuid", "6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d11"), ("subject", "CN=other"),
    ("config_domain", "fedcba9876543210.mse.localhost"),
])
def test_field_swapped_by_the_host(world, field, value):
    """12: the host tells the enclave another document at its start than the owner saw."""
    with world.enclave() as enclave:
        owners = dict(enclave.instance)
        enclave.instance[field] = value
        enclave.write_instance()
        enclave.start()
        assert enclave.provision(enclave.body(uuid=enclave.instance["uuid"])).status == 200
        enclave.wait_running()
        enclave.instance = owners
        with attackers.passing(lambda _: enclave) as proxy:
            seen = world.verify(enclave, proxy.port, context=world.context(enclave))
            assert seen.name == f"instance-field:{field}", seen.text


def test_twin_that_waits(world, victim, twin):
    """13: users diverted to a copy that never got the owner's keys."""
    with attackers.passing(lambda _: twin) as proxy:
        assert world.verify(victim, proxy.port).name == "role"
        assert world.verify(victim, proxy.port, context=owner_context(world, victim)).name == "role"


def test_twin_without_a_ticket(world):
    """13: a release that names no owner runs without a ticket; who expects the owner's is told."""
    with world.enclave(MSE_OWNER_KEY="", MSE_CODE_KEY_ID="") as enclave:
        enclave.start()
        assert enclave.provision(ticket=None).status == 200
        enclave.wait_running()
        with attackers.passing(lambda _: enclave) as proxy:
            seen = world.verify(enclave, proxy.port)
            assert seen.name == "none" and "as its host told it" in seen.text, seen.text
            assert world.verify(enclave, proxy.port, context=world.context(enclave)).name == "ticket-missing"


def test_ticket_of_another_owner(world, victim):
    stranger = testenclave.raw_public(Ed25519PrivateKey.generate()).hex()
    with attackers.passing(lambda _: victim) as proxy:
        seen = world.verify(victim, proxy.port, context=world.context(victim, owner=stranger))
        assert seen.name == "ticket-signature", seen.text


def test_ticket_of_an_older_deployment(world, victim):
    """29: this client has seen a later one for the domain."""
    later = attackers.encode(victim.ticket(deployed=1700000001))
    with attackers.passing(lambda _: victim) as proxy:
        context = world.context(victim, ticket=later)
        seen = world.verify(victim, proxy.port, context=context)
        assert seen.name == "ticket-older", seen.text


@pytest.mark.parametrize("change, name", [
    ({"deployed": 1700000001}, "ticket-older"), ({"deployed": 1699999999}, "none"),
    ({"deployed": 1700000001, "owner": "00" * 32}, "none"), ({"deployed": 1700000001, "domain": "x.localhost"}, "none")])
def test_older_deployment_beside_a_later_context(world, victim, tmp_path, change, name):
    """29: the client keeps a context of a later deployment of the same owner for the same domain, under its own uuid."""
    uuid = "6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d11"
    owner = {"owner": change["owner"]} if "owner" in change else {}
    later = world.context(victim, ticket=attackers.encode(victim.ticket(deployed=change["deployed"])), **owner)
    later = later.replace(victim.uuid, uuid)
    if "domain" in change:
        later = later.replace(victim.instance["domain"], change["domain"])
    folder = tmp_path / "context" / uuid
    folder.mkdir(parents=True)
    (folder / "context.mse").write_text(later)
    with attackers.passing(lambda _: victim) as proxy:
        seen = world.verify(victim, proxy.port, context=owner_context(world, victim),
                            env={"MSE_CONF_PATH": str(tmp_path)})
        assert seen.name == name, seen.text


def test_another_identity_than_recorded(world):
    """13, 22: the instance was started anew without its state; the owner's context knows the first identity."""
    with world.enclave(MSE_RESTART="owner") as enclave:
        enclave.run()
        context = world.context(enclave, identity=enclave.identity().hex())
        with attackers.passing(lambda _: enclave) as proxy:
            assert world.verify(enclave, proxy.port, context=context).name == "none"
            enclave.stop()
            enclave.run()
            seen = world.verify(enclave, proxy.port, context=context)
            assert seen.name == "identity-changed", seen.text


@pytest.fixture(scope="module")
def second_machine(world):
    other = world.vendor.other_machine()
    yield other
    other.close()


@pytest.fixture(scope="module")
def owner_mode(world):
    with world.owned(OWNED_DOMAIN) as enclave:
        yield enclave


def test_fresh_quote_of_another_machine(world, owner_mode, second_machine):
    """29, owner mode: a quote forged with the leaked key of another machine of the vendor. Everything else is right:
    nonce, connection, the true certificate, identity and ticket."""
    tee = owner_mode.tee
    with attackers.passing(lambda _: owner_mode) as proxy:
        assert world.verify(owner_mode, proxy.port).name == "none"
        tee.edit = lambda data: (tee.mrenclave, second_machine if attackers.is_fresh(data) else world.vendor)
        try:
            seen = world.verify(owner_mode, proxy.port)
            assert seen.name == "machine-changed", seen.text
        finally:
            tee.edit = lambda data: (tee.mrenclave, world.vendor)


def test_fresh_quote_of_another_machine_in_self_mode(world, victim, second_machine):
    """29, self mode: the forger has the vendor's key of another machine, the true certificate and ticket, but not
    the RA-TLS key."""
    forger = attackers.make_certificate(victim.instance["domain"])
    with world.twin(victim) as forgers:
        forgers.tee.edit = lambda data: (victim.tee.mrenclave, second_machine)
        forgers.start()
        with relay(forgers, *forger, lambda answer, _: {
                **attackers.ask(victim, os.urandom(32)), "quote": answer["quote"]}) as proxy:
            seen = world.verify(victim, proxy.port)
            assert seen.name == "tls-key", seen.text


# ---- 18: the fresh quote itself ----

def test_quote_of_another_release(world):
    with world.enclave() as enclave:
        enclave.run()
        tee = enclave.tee
        with attackers.passing(lambda _: enclave) as proxy:
            assert world.verify(enclave, proxy.port).name == "none"
            tee.edit = lambda data: (b"\x66" * 32, world.vendor)
            seen = world.verify(enclave, proxy.port)
            assert seen.name == "measurement", "the certificate's quote is right, the fresh one is not"
            tee.mrenclave = b"\x66" * 32
            seen = world.verify(enclave, proxy.port)
            assert seen.name == "measurement", "the fresh quote is right, the certificate's is not"


def test_simulation_without_its_root(world, victim):
    with attackers.passing(lambda _: victim) as proxy:
        seen = world.verify(victim, proxy.port, root=False)
        assert seen.name == "simulated", seen.text


def test_root_of_another_simulation(world, victim):
    other = attackers.Vendor(world.build)
    try:
        with attackers.passing(lambda _: victim) as proxy:
            seen = world.verify(victim, proxy.port, root=other.root)
            assert seen.name == "simulated", seen.text
    finally:
        other.close()


# ---- 19: nothing of a verdict passes to the next connection ----

def test_the_next_connection_is_attested_anew(world, victim, twin):
    with attackers.passing(lambda number: victim if number % 2 else twin) as proxy:
        names = [world.verify(victim, proxy.port).name for _ in range(4)]
        assert names == ["none", "role", "none", "role"]
        assert proxy.accepted == 4, "one connection each, none kept and none tried again"


# ---- 21: a middlebox that the whole world trusts ----

def test_middlebox_in_self_mode(world, victim):
    with relay(victim, *attackers.make_certificate(victim.instance["domain"],
                                                   issuer=attackers.make_certificate("A Trusted CA"))) as proxy:
        assert world.verify(victim, proxy.port).name == "tls-key"


def test_middlebox_in_owner_mode(world, owner_mode):
    issuer = attackers.make_certificate("A Trusted CA")
    with relay(owner_mode, *attackers.make_certificate(OWNED_DOMAIN, issuer=issuer)) as proxy:
        assert world.verify(owner_mode, proxy.port).name == "fresh-binding"


def test_owner_in_the_middle(world, owner_mode):
    """Section 8: the owner holds the TLS key and could sit in the middle; fresh evidence shows it."""
    with relay(owner_mode, *owner_mode.owner_tls) as proxy:
        assert world.verify(owner_mode, proxy.port).name == "fresh-binding"
