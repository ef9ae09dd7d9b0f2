# SPDX-License-Identifier: Apache-2.0
"""src/collateral against services on the loopback: every kind of item, both versions of Intel's API, AMD's, and what
a network and a server can do wrong. Items of our own test CA; those of the vectors where they are."""
import datetime
import hashlib
import re
import signal

import collateralserver as cs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

INTEL_ITEMS = {"tcb_info", "tcb_info_issuer_chain", "qe_identity", "qe_identity_issuer_chain", "pck_crl",
               "pck_crl_issuer_chain", "root_ca_crl"}
CHIP = bytes(range(64)).hex()
NOW = datetime.datetime.now(datetime.timezone.utc)
QUICK = {"delay_ms": 10, "limit_ms": 8000}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def items(build, tmp_path_factory):
    return cs.simulated(build, tmp_path_factory.mktemp("pki") / "sim")


@pytest.fixture
def pccs(items):
    with cs.Server(cs.Service("pccs", items)) as server:
        yield server


@pytest.fixture
def tool(build, items, pccs, tmp_path):
    return cs.Tool(build, pccs=pccs.url, cache=tmp_path / "cache", tee=items.tee, fmspc=items.fmspc,
                   sim_root=items.root, **QUICK)


def intel_hashes(items):
    return {"tcb_info": sha256(items.tcb_info), "tcb_info_issuer_chain": sha256(items.tcb_chain),
            "qe_identity": sha256(items.qe_identity), "qe_identity_issuer_chain": sha256(items.qe_chain),
            "pck_crl": sha256(items.pck_crl), "pck_crl_issuer_chain": sha256(items.pck_crl_chain),
            "root_ca_crl": sha256(items.root_crl)}


# ---- Intel ----

@pytest.mark.parametrize("path, version", [("", "4"), ("/", "4"), ("/sgx/certification/v3", "3"),
                                           ("/sgx/certification/v4/", "4")])
def test_a_pccs_of_either_version(tool, pccs, items, path, version):
    answer = tool(pccs=pccs.url + path)
    assert answer["items"] == intel_hashes(items)
    assert pccs.requests == [f"/sgx/certification/v{version}/tcb?fmspc={items.fmspc.lower()}",
                             f"/sgx/certification/v{version}/qe/identity",
                             f"/sgx/certification/v{version}/pckcrl?ca=platform&encoding=der",
                             f"/sgx/certification/v{version}/rootcacrl"]
    assert answer["text"] == f"PCCS {pccs.url}" and not any(o["cached"] for o in answer["origins"])


def test_the_pcs_has_the_roots_list_elsewhere(tool, items):
    with cs.Server(cs.Service("pcs", items)) as pcs:
        answer = tool(pccs=None, pcs=pcs.url)
        assert answer["items"] == intel_hashes(items) and pcs.requests[-1] == "/IntelSGXRootCA.der"
        assert answer["text"] == f"Intel PCS {pcs.url}"


def test_simulated_evidence_is_no_matter_for_intel(tool, items):
    with cs.Server(cs.Service("pcs", items)) as pcs:
        answer = tool(pccs=None, pcs=pcs.url, simulated=1)
        assert answer["error"] == "unavailable" and "--pccs" in answer["message"] and pcs.requests == []


def test_tdx_has_paths_of_its_own(tool, items):
    tcb = items.tcb_info.replace(b'"id":"SGX"', b'"id":"TDX"')
    tdx = cs.Items(**{**vars(items), "tee": "tdx", "tcb_info": tcb,
                      "qe_identity": items.qe_identity.replace(b'"id":"QE"', b'"id":"TD_QE"')})
    with cs.Server(cs.Service("pccs", tdx)) as pccs:
        assert tool(pccs=pccs.url, tee="tdx")["items"] == intel_hashes(tdx)
        assert pccs.requests[:2] == [f"/tdx/certification/v4/tcb?fmspc={items.fmspc.lower()}",
                                     "/tdx/certification/v4/qe/identity"]
        old = tool(pccs=pccs.url + "/sgx/certification/v3", tee="tdx")
        assert old["error"] == "unsupported" and "version 3" in old["message"]


def test_the_vectors_are_served_as_they_are(build, vectors, tmp_path):
    cases = sorted(path.parent for path in vectors.glob("*/*/tcb_info.json"))
    assert len(cases) >= 11
    for case in cases:
        items = cs.of_vector(case)
        with cs.Server(cs.Service("pcs", items)) as pcs:
            tool = cs.Tool(build, pcs=pcs.url, tee=items.tee, fmspc=items.fmspc, ca_name=items.ca, **QUICK)
            assert tool()["items"] == intel_hashes(items), case


# ---- AMD ----

def certificate(name, days, issuer=None):
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    built = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
             .serial_number(1).not_valid_before(NOW - datetime.timedelta(days=1))
             .not_valid_after(NOW + datetime.timedelta(days=days)).sign(key, hashes.SHA384()))
    return built, key


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def der(thing):
    return thing.public_bytes(serialization.Encoding.DER)


@pytest.fixture(scope="module")
def amd():
    """What a KDS has for one chip of each product; dates are all that the client reads of it."""
    ark, key = certificate("ARK", 9000)
    ask, vcek = certificate("SEV", 8000)[0], certificate("SEV-VCEK", 2000)[0]
    crl = (x509.CertificateRevocationListBuilder().issuer_name(ark.subject).last_update(NOW - datetime.timedelta(days=1))
           .next_update(NOW + datetime.timedelta(days=300)).sign(key, hashes.SHA384()))
    chain = cs.Reply(200, "application/x-pem-file", pem(ask) + pem(ark))
    revoked = cs.Reply(200, "application/pkix-crl", der(crl))
    leaf = cs.Reply(200, "application/x-x509-user-cert", der(vcek))
    served = {f"/vcek/v1/Milan/{CHIP}?blSPL=03&teeSPL=00&snpSPL=20&ucodeSPL=209": leaf,
              f"/vcek/v1/Genoa/{CHIP}?blSPL=07&teeSPL=00&snpSPL=14&ucodeSPL=72": leaf,
              f"/vcek/v1/Turin/{CHIP[:16]}?fmcSPL=00&blSPL=01&teeSPL=00&snpSPL=02&ucodeSPL=71": leaf}
    for kind in ("vcek", "vlek"):
        for product in ("Milan", "Genoa", "Turin"):
            served[f"/{kind}/v1/{product}/cert_chain"] = chain
            served[f"/{kind}/v1/{product}/crl"] = revoked
    hashed = {"vek": sha256(der(vcek)), "ask": sha256(der(ask)), "ark": sha256(der(ark)),
              "ark_crl": sha256(der(crl))}
    return served, hashed


@pytest.fixture
def kds(amd):
    with cs.Server(cs.Service("kds", amd=amd[0])) as server:
        yield server


@pytest.fixture
def snp(build, kds, tmp_path):
    return cs.Tool(build, kds=kds.url, cache=tmp_path / "cache", tee="sev-snp", chip=CHIP, **QUICK)


@pytest.mark.parametrize("product, tcb", [("Milan", "03000000000014d1"), ("Genoa", "0700000000000e48"),
                                          ("Turin", "0001000200000047")])
def test_a_vcek_is_asked_for_by_product_chip_and_tcb(snp, kds, amd, product, tcb):
    answer = snp(product=product, tcb=tcb)
    assert answer["items"] == amd[1] and answer["text"] == f"AMD KDS {kds.url}"
    assert [path for path in kds.requests if path not in amd[0]] == []
    # Nothing of it is signed, so nothing is kept: test_collateral_verdict.py has what is.
    assert snp(product=product, tcb=tcb)["items"] == amd[1] and len(kds.requests) == 6


def test_a_report_that_does_not_tell_its_product(snp, kds, amd):
    answer = snp(tcb="0700000000000e48")
    assert answer["items"] == amd[1] and kds.requests[0].startswith("/vcek/v1/Milan/") and len(kds.requests) == 5
    assert snp(tcb="0900000000000e48")["error"] == "not-found"


def test_a_vlek_comes_with_the_evidence(snp, kds, amd):
    answer = snp(product="Genoa", vlek=1)
    assert answer["items"] == {name: value for name, value in amd[1].items() if name != "vek"}
    assert kds.requests == ["/vlek/v1/Genoa/cert_chain", "/vlek/v1/Genoa/crl"]


@pytest.mark.parametrize("wrong, part", [({"product": "Rome"}, "Rome"), ({"product": "Milan", "chip": "00"}, "masked")])
def test_what_amd_is_not_asked(snp, kds, wrong, part):
    answer = snp(tcb="03000000000014d1", **wrong)
    assert part in answer["message"] and kds.requests == []


# ---- what goes wrong ----

TIMES = 4  # requests of one set


@pytest.mark.parametrize("fault", [cs.truncated, cs.dropped, cs.status(429), cs.status(429, Retry_After="0"),
                                   cs.status(500), cs.status(502), cs.status(503, Retry_After="0"), cs.status(504),
                                   cs.status(408)], ids=lambda fault: getattr(fault, "__qualname__", "")[:20])
def test_what_passes_is_tried_again(tool, pccs, items, fault):
    pccs.faults.extend([fault, fault])
    assert tool()["items"] == intel_hashes(items) and len(pccs.requests) == TIMES + 2


@pytest.mark.parametrize("fault, error", [(cs.status(404), "not-found"), (cs.status(410), "not-found"),
                                          (cs.status(401), "denied"), (cs.status(403), "denied"),
                                          (cs.status(400), "unavailable"), (cs.status(204), "unavailable"),
                                          (cs.status(302, Location="http://localhost:1/"), "unavailable")])
def test_what_does_not_pass_is_not(tool, pccs, tmp_path, fault, error):
    pccs.always = fault
    answer = tool()
    assert answer["error"] == error and len(pccs.requests) == 1 and "TCB info" in answer["message"]
    assert list((tmp_path / "cache").glob("*.item")) == []


def wrong(**change):
    return cs.changed(**change)


WRONG = {
    "html": wrong(type="text/html", body=b"<html>sign in to this network</html>"),
    "empty": wrong(body=b""),
    "cut": wrong(body=lambda body: body[:-40]),
    "twice": wrong(body=lambda body: body + body),
    "no chain": wrong(headers={}),
    "chain of another header": wrong(headers=lambda headers: {cs.QE: list(headers.values())[0]}),
    "chain is no PEM": wrong(headers={cs.TCB["4"]: "certificates"}),
    "chain is badly encoded": wrong(headers={cs.TCB["4"]: "%2"}),
    "chain of one": wrong(headers=lambda headers: {cs.TCB["4"]: headers[cs.TCB["4"]].split("CERTIFICATE-----%0A")[0]
                                                   + "CERTIFICATE-----%0A"}),
    "other platform": wrong(body=lambda body: body.replace(b'"fmspc":"5349', b'"fmspc":"0000')),
    "other kind": wrong(body=lambda body: body.replace(b'"id":"SGX"', b'"id":"TDX"')),
    "no date": wrong(body=lambda body: body.replace(b'"nextUpdate"', b'"nextupdate"')),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_the_thing_is_not_kept(tool, pccs, tmp_path, name):
    pccs.always = WRONG[name]
    answer = tool()
    assert answer["error"] in ("invalid", "limit") and "is no SGX TCB info" in answer["message"], answer
    assert list((tmp_path / "cache").glob("*.item")) == [] and len(pccs.requests) == 1


@pytest.mark.parametrize("which, body", [(2, b"00" * 50), (2, b"-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"),
                                         (3, b"abc"), (3, b"zz")])
def test_lists_that_are_none(tool, pccs, which, body):
    good = cs.Handler.send
    pccs.faults.extend([good] * which + [wrong(body=body)])
    assert "revocation list" in tool()["message"]


def test_oversize_ends_early(tool, pccs):
    pccs.always = wrong(body=b" " * (8 << 20))
    answer = tool()
    assert answer["error"] == "limit" and len(pccs.requests) == 1
    largest = int(re.search(r"larger than (\d+) bytes", answer["message"])[1])
    for size, error in ((largest, "invalid"), (largest + 1, "limit")):
        pccs.always = wrong(body=b" " * size)
        assert tool()["error"] == error


def test_lists_come_as_der_pem_or_hex(tool, pccs, items):
    good = cs.Handler.send
    as_pem = x509.load_der_x509_crl(items.pck_crl).public_bytes(serialization.Encoding.PEM)
    pccs.faults.extend([good, good, wrong(body=as_pem), wrong(body=items.root_crl.hex().upper().encode())])
    assert tool()["items"] == intel_hashes(items)


def test_patience_ends(tool, pccs):
    pccs.always = cs.status(503)
    answer = tool(delay_ms=50, limit_ms=1500)
    assert answer["error"] == "unavailable" and "after" in answer["message"] and answer["ms"] < 3000
    assert 3 <= len(pccs.requests) <= 6


@pytest.mark.parametrize("fault", [cs.slow(60), cs.trickle], ids=["silent", "trickle"])
def test_slow_ends_with_the_time(tool, pccs, fault):
    pccs.always = fault
    answer = tool(limit_ms=800)
    assert answer["error"] == "timeout" and answer["ms"] < 3000


def test_who_asks_for_too_long_a_pause_is_left(tool, pccs, tmp_path):
    pccs.always = cs.status(429, Retry_After="3600")
    answer = tool()
    assert "3600 s" in answer["message"] and answer["ms"] < 2000 and len(pccs.requests) == 1
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=7999)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    pccs.always = cs.status(503, Retry_After=later)
    assert "asked to wait 7" in tool(cache=tmp_path / "other")["message"]


def test_a_pause_is_kept(tool, pccs, items):
    pccs.faults.append(cs.status(429, Retry_After="1"))
    answer = tool()
    assert answer["items"] == intel_hashes(items) and 1000 <= answer["ms"]


def test_nobody_there(tool, pccs):
    pccs.close()
    answer = tool()
    assert answer["error"] == "unavailable" and "after 3 tries" in answer["message"]


@pytest.mark.parametrize("fault", [cs.slow(60), cs.status(503, Retry_After="5")], ids=["answer", "pause"])
def test_an_interrupt_ends_it(tool, pccs, fault):
    pccs.always = fault
    process = tool.start(limit_ms=30000)
    cs.wait_for(lambda: pccs.requests)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert b'"error":"cancelled"' in out and process.returncode == 1


# ---- TLS ----

@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A certificate for localhost that only a pin can trust: (chain, key)."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=9))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
    (folder / "cert.pem").write_bytes(pem(made))
    (folder / "key.pem").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"


def test_public_services_must_show_a_trusted_certificate(tool, snp, items, amd, tls):
    with cs.Server(cs.Service("pcs", items), tls=tls) as pcs:
        answer = tool(pccs=None, pcs=pcs.url)
        assert answer["error"] == "untrusted" and pcs.requests == []
        assert tool(pccs=None, pcs=pcs.url, ca=tls[0])["items"] == intel_hashes(items)
    with cs.Server(cs.Service("kds", amd=amd[0]), tls=tls) as kds:
        assert snp(kds=kds.url, product="Milan", tcb="03000000000014d1")["error"] == "untrusted"


def test_a_pccs_need_not_for_all_it_gives_is_signed(tool, items, tls):
    with cs.Server(cs.Service("pccs", items), tls=tls) as pccs:
        assert tool(pccs=pccs.url)["items"] == intel_hashes(items)


@pytest.mark.parametrize("url", ["", "localhost", "ftp://localhost", "http://localhost/?x=1", "http://localhost/{v}",
                                 "http://localhost/#x", "http://u:p@localhost", "http://" + "a" * 2000])
def test_addresses_that_are_none(build, url):
    done = cs.Tool(build, pccs=url).start()
    assert done.communicate(timeout=20)[0] == b"" and done.returncode == 2
