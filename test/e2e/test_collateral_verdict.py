# SPDX-License-Identifier: Apache-2.0
"""From evidence to verdict over the vendors' services: `mse attest` finds what each kind of evidence needs, asks for it
at the right place, says who gave it, works offline from what it kept, and does not refuse for what it kept too long."""
import concurrent.futures
import pathlib
import subprocess
import time

import collateralserver as cs
import pytest

import attackers
import attestcommand

NOW = str(int(time.time()))
CHIP_ID, REPORTED_TCB = slice(0x1A0, 0x1E0), slice(0x180, 0x188)
PARTS = {"Milan": {"blSPL": 0, "teeSPL": 1, "snpSPL": 6, "ucodeSPL": 7},
         "Turin": {"fmcSPL": 0, "blSPL": 1, "teeSPL": 2, "snpSPL": 3, "ucodeSPL": 7}}
PARTS["Genoa"] = PARTS["Milan"]


def made(build, tool, folder, *options):
    """Evidence and collateral of a test CA that count now."""
    folder.mkdir()
    subprocess.run([pathlib.Path(build) / "test/support" / tool, folder, "--time", NOW, *options], check=True)
    return folder


def intel(build, folder, kind):
    made(build, "intel_tool", folder, "--kind", kind)
    items = cs.of_vector(folder)
    items.tee = kind[:3]
    return items


def amd(build, folder, product, *options):
    """The paths of a KDS that has what this report needs."""
    made(build, "amd_tool", folder, "--product", product, *options)
    report = (folder / "report.bin").read_bytes()
    chip, tcb = report[CHIP_ID], report[REPORTED_TCB]
    query = "&".join(f"{name}={tcb[i]:02}" for name, i in PARTS[product].items())
    key = "vlek" if "--vlek" in options else "vcek"
    served = {f"/{key}/v1/{product}/cert_chain": cs.Reply(
                  200, "application/x-pem-file", (folder / "ask.pem").read_bytes() + (folder / "ark.pem").read_bytes()),
              f"/{key}/v1/{product}/crl": cs.Reply(200, "application/pkix-crl", (folder / "ark_crl.der").read_bytes())}
    if key == "vcek":
        served[f"/vcek/v1/{product}/{chip[:8 if product == 'Turin' else 64].hex()}?{query}"] = cs.Reply(
            200, "application/x-x509-user-cert", (folder / "vcek.der").read_bytes())
    return served


@pytest.fixture
def verify(build, tmp_path):
    """verify(options…, **environment): (exit status, verdict)."""
    def run(*options, **env):
        result = attestcommand.run(build, "verify", "--json", *options, cwd=tmp_path, env=env)
        assert result.out, result.text
        verdict = result.json()
        attestcommand.check_verdict(verdict)
        return result.code, verdict
    return run


def given_by(verdict):
    return {(item["cached"], item["source"]) for item in verdict["collateral"]}


@pytest.mark.parametrize("kind", ["sgx-v3", "sgx-v4", "tdx-v4", "tdx-v5-1.5"])
def test_a_quote_by_the_pcs(build, verify, tmp_path, kind):
    folder = tmp_path / "evidence"
    options = ["--report-data", "any", "--trust-root", folder / "root.pem", "--quote", folder / "quote.bin"]
    with cs.Server(cs.Service("pcs", intel(build, folder, kind))) as pcs:
        code, verdict = verify(*options, MSE_PCS_URL=pcs.url)
        assert code == 0 and verdict["tee"] == kind[:3], verdict["error"]
        assert given_by(verdict) == {(False, f"Intel PCS {pcs.url}")} and len(verdict["collateral"]) == 4
        assert len(pcs.requests) == 4 and pcs.requests[0].startswith(f"/{kind[:3]}/certification/v4/tcb")
        url = pcs.url
    code, verdict = verify(*options, "--offline", MSE_PCS_URL=url)
    assert code == 0 and given_by(verdict) == {(True, f"Intel PCS {url}")}
    code, verdict = verify(*options, MSE_PCS_URL=url)
    assert code == 0 and given_by(verdict) == {(True, f"Intel PCS {url}")}


@pytest.mark.parametrize("product, version", [("Milan", "3"), ("Genoa", "5"), ("Turin", "5"), ("Genoa", "2")])
def test_a_report_by_the_kds(build, verify, tmp_path, product, version):
    folder = tmp_path / "evidence"
    options = ["--report-data", "any", "--trust-root", folder / "ark.pem", "--report", folder / "report.bin"]
    with cs.Server(cs.Service("kds", amd=amd(build, folder, product, "--version", version))) as kds:
        code, verdict = verify(*options, MSE_KDS_URL=kds.url)
        assert code == 0 and verdict["tee"] == "sev-snp", verdict["error"]
        assert given_by(verdict) == {(False, f"AMD KDS {kds.url}")} and len(verdict["collateral"]) == 3
        url = kds.url
    code, verdict = verify(*options, "--offline", MSE_KDS_URL=url)
    assert code == 0 and given_by(verdict) == {(True, f"AMD KDS {url}")}


@pytest.mark.parametrize("part, kept", [("cert_chain", 0), ("crl", 2), ("?", 2)])
def test_what_amd_did_not_sign_is_not_kept(build, verify, tmp_path, part, kept):
    """The chain signs the rest: without it nothing is proven."""
    folder = tmp_path / "evidence"
    served = amd(build, folder, "Milan")
    for path in served:
        if part in path:
            body = served[path].body
            at = body.index(b"\n-----END") - 9 if part == "cert_chain" else len(body) - 9
            served[path] = served[path]._replace(body=body[:at] + (b"A" if body[at:at + 1] != b"A" else b"B") + body[at + 1:])
    with cs.Server(cs.Service("kds", amd=served)) as kds:
        code, _ = verify("--report", folder / "report.bin", "--report-data", "any", "--trust-root", folder / "ark.pem",
                         MSE_KDS_URL=kds.url)
    assert code == 2 and len(list((tmp_path / "conf/collateral").glob("*.item"))) == kept


def test_the_vcek_of_another_chip_is_not_kept(build, verify, tmp_path):
    """Signed by AMD all the same, so it must be told by what it says."""
    folder = tmp_path / "evidence"
    served = amd(build, folder, "Milan", "--other-chip")  # the report's, which is what it is asked by
    options = ["--report", folder / "report.bin", "--report-data", "any", "--trust-root", folder / "ark.pem"]
    with cs.Server(cs.Service("kds", amd=served)) as kds:
        assert verify(*options, MSE_KDS_URL=kds.url)[0] == 2
    assert len(list((tmp_path / "conf/collateral").glob("*.item"))) == 2


def test_a_certificate_that_brings_its_vlek(build, verify, tmp_path):
    folder = tmp_path / "evidence"
    with cs.Server(cs.Service("kds", amd=amd(build, folder, "Genoa", "--vlek"))) as kds:
        code, verdict = verify("--ratls", folder / "ratls.pem", "--trust-root", folder / "ark.pem", MSE_KDS_URL=kds.url)
        assert code == 0 and kds.requests == ["/vlek/v1/Genoa/cert_chain", "/vlek/v1/Genoa/crl"], verdict["error"]


def test_nothing_kept_and_nobody_there_is_no_verdict(build, tmp_path):
    folder = tmp_path / "evidence"
    intel(build, folder, "sgx-v3")
    for more, part in ((["--offline"], "offline"), ([], "cannot fetch")):
        result = attestcommand.run(build, "verify", "--json", "--quote", folder / "quote.bin", "--report-data", "any",
                                   *more, cwd=tmp_path, env={"MSE_PCS_URL": "http://localhost:1"})
        assert result.code == 1 and result.out == "" and part in result.text, result.text


def test_what_was_kept_of_another_day_makes_no_refusal(build, verify, tmp_path):
    """The service was set up anew (another CA for the same platform): the kept items do not fit the new evidence."""
    old, new = intel(build, tmp_path / "old", "sgx-v3"), intel(build, tmp_path / "new", "sgx-v3")
    assert old.fmspc == new.fmspc and old.tcb_info != new.tcb_info

    def judge(name, *more):
        return verify("--pccs", pccs.url, "--report-data", "any", "--trust-root", tmp_path / name / "root.pem",
                      "--quote", tmp_path / name / "quote.bin", *more)
    with cs.Server(cs.Service("pccs", old)) as pccs:
        assert judge("old")[0] == 0
        pccs.service.items = new
        offline = attestcommand.run(build, "verify", "--offline", "--pccs", pccs.url, "--report-data", "any", "--quote",
                                    tmp_path / "new/quote.bin", "--trust-root", tmp_path / "new/root.pem", cwd=tmp_path)
        assert offline.code == 1 and "the cache has no SGX TCB info" in offline.text
        code, verdict = judge("new")
        assert code == 0 and given_by(verdict) == {(False, f"PCCS {pccs.url}")}
        assert given_by(judge("new")[1]) == {(True, f"PCCS {pccs.url}")}
        asked = len(pccs.requests)
        code, refused = judge("old")
        assert code == 2 and len(pccs.requests) == asked + 4  # once more, and not again and again


def test_a_revoked_ca_is_asked_about_again(build, verify, tmp_path):
    """What names it is kept, and what it has signed is not: there may be a newer list by now, or another ASK."""
    with cs.Server(cs.Service("kds", amd=amd(build, tmp_path / "evidence", "Milan", "--revoked"))) as kds:
        asked = []
        for _ in range(2):
            code, verdict = verify("--report-data", "any", "--trust-root", tmp_path / "evidence/ark.pem", "--report",
                                   tmp_path / "evidence/report.bin", MSE_KDS_URL=kds.url)
            assert code == 2 and verdict["error"] == "ca-revoked"
            asked.append(len(kds.requests))
        assert asked == [3, 3 + 2 + 3], kds.requests


@pytest.mark.parametrize("key", [[], ["--vlek"]])
def test_a_revoked_ask_locks_nothing(build, verify, tmp_path, key):
    """What the kept list of the ARK names counts no more, kept or offered, though it is newer than what is offered."""
    before = amd(build, tmp_path / "before", "Milan", *key)
    after = amd(build, tmp_path / "after", "Milan", *key, "--revoked", "--new-ask")
    assert before.keys() == after.keys()
    report = (tmp_path / "after/report.bin").read_bytes()
    with cs.Server(cs.Service("kds", amd=before)) as kds:
        tool = cs.Tool(build, kds=kds.url, cache=tmp_path / "conf/collateral", tee="sev-snp", product="Milan",
                       vlek=1 if key else None, chip=report[CHIP_ID].hex(), tcb=report[REPORTED_TCB].hex(),
                       root=tmp_path / "before/ark.pem", delay_ms=10, limit_ms=8000)

        def renewed(served):
            kds.service.amd = served
            return tool(mode="renew")
        kept, offered = tool()["items"]["ask"], renewed(after)
        assert offered["items"]["ask"] == kept, "its list was not known when this was judged"
        new = tool()["items"]["ask"]
        assert new != kept and tool(mode="offline")["items"]["ask"] == new
        answer = renewed({path: reply if path.endswith("/crl") else before[path] for path, reply in after.items()})
        assert answer["items"]["ask"] == new and "the ASK is revoked" in answer["origins"][0]["failure"]
        if not key:
            kds.service.amd = after
            code, verdict = verify("--report-data", "any", "--trust-root", tmp_path / "after/ark.pem", "--report",
                                   tmp_path / "after/report.bin", MSE_KDS_URL=kds.url)
            assert code == 0, verdict["error"]


FAULTS = {"truncated": cs.truncated, "wrong type": cs.changed(body=b"<html>sign in</html>", type="text/html"),
          "too many": cs.status(429), "in trouble": cs.status(500), "absent": cs.status(404), "hangs up": cs.dropped}


def test_a_fault_is_no_verdict(build, tmp_path):
    """Exit status 1, nothing on standard output, and who failed is named. All at once: what may pass is tried for long."""
    folder = tmp_path / "evidence"
    items = intel(build, folder, "sgx-v3")

    def judge(fault):
        with cs.Server(cs.Service("pccs", items)) as pccs:
            pccs.always = FAULTS[fault]
            result = attestcommand.run(build, "verify", "--quote", folder / "quote.bin", "--report-data", "any", "--json",
                                       "--pccs", pccs.url, cwd=tmp_path, env={"MSE_CONF_PATH": str(tmp_path / fault)})
            assert result.code == 1 and result.out == "" and pccs.url in result.err, (fault, result.text)
    with concurrent.futures.ThreadPoolExecutor(len(FAULTS)) as pool:
        list(pool.map(judge, FAULTS))


@pytest.mark.parametrize("fault", ["wrong type", "absent"])
def test_at_a_fault_the_cache_serves(build, tmp_path, fault):
    folder = tmp_path / "evidence"
    trust = ["--trust-root", folder / "root.pem"]
    with cs.Server(cs.Service("pccs", intel(build, folder, "sgx-v3"))) as pccs:
        for code_of, text in ((None, f"Collateral of: PCCS {pccs.url}"), (FAULTS[fault], f"cache (PCCS {pccs.url}")):
            pccs.always = code_of
            made = attestcommand.run(build, "bundle", "--quote", folder / "quote.bin", "--output", tmp_path / "b.json",
                                     "--pccs", pccs.url, *trust, cwd=tmp_path)
            assert made.code == 0 and text in made.err, made.text
        # Refreshing asks first, and goes by what is kept.
        again = attestcommand.run(build, "bundle", "--refresh", tmp_path / "b.json", "--json", "--pccs", pccs.url, *trust,
                                  cwd=tmp_path)
        assert again.code == 0 and again.json()["missing"] == [], again.text
        assert all(item["cached"] and item["failure"] for item in again.json()["sources"])


def test_a_bundle_is_renewed(build, tmp_path):
    folder = tmp_path / "evidence"
    with cs.Server(cs.Service("pcs", intel(build, folder, "tdx-v4"))) as pcs:
        def bundle(*options):
            result = attestcommand.run(build, "bundle", *options, cwd=tmp_path, env={"MSE_PCS_URL": pcs.url})
            assert result.code == 0, result.text
        bundle("--quote", folder / "quote.bin", "--output", "bundle.json")
        assert len(pcs.requests) == 4
        bundle("--refresh", "bundle.json")
        assert len(pcs.requests) == 8
    result = attestcommand.run(build, "verify", "--bundle", "bundle.json", "--report-data", "any", "--trust-root",
                               folder / "root.pem", cwd=tmp_path)
    assert result.code == 0, result.text


def test_a_verified_app_too_says_who_gave_it(build, tmp_path):
    world = attackers.World(build)
    try:
        with world.enclave() as enclave:
            enclave.run()
            with attackers.passing(lambda _: enclave) as proxy:
                env = {"MSE_CONF_PATH": str(tmp_path / "conf")}
                first, second = (world.verify(enclave, proxy.port, env=env) for _ in range(2))
        assert first.code == 0 and f"collateral    PCCS {world.pccs.url}\n" in first.text, first.text
        assert second.code == 0 and f"collateral    cache (PCCS {world.pccs.url}, 20" in second.text, second.text
    finally:
        world.close()
