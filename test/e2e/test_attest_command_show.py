# SPDX-License-Identifier: Apache-2.0
"""mse attest show: what the vectors say is what their case.toml says, every kind of file is known, hostile ones are
tamed. The twins with evidence of our own run without the vectors."""
import pathlib
import tomllib

import pytest

import attackers
import attestcommand

VECTORS = pathlib.Path(__file__).resolve().parents[3] / "shared/vectors"
CASES = sorted(str(path.parent.relative_to(VECTORS)) for path in VECTORS.glob("*/*/case.toml"))
KINDS = {"quote.bin": "quote", "report.bin": "snp-report", "tcb_info.json": "tcb-info", "qe_identity.json": "qe-identity",
         "vcek.der": "certificate", "vlek.der": "certificate", "pck_crl.der": "crl", "root_ca_crl.der": "crl",
         "pck_crl.pem": "pem", "root_ca_crl.pem": "pem", "extension_value.bin": "snp-extension", "ratls.pem": "pem",
         "ask.pem": "pem", "ark.pem": "pem", "pck_cert_chain.pem": "pem", "tcb_info_issuer_chain.pem": "pem",
         "qe_identity_issuer_chain.pem": "pem", "pck_crl_issuer_chain.pem": "pem"}


@pytest.fixture
def show(build, tmp_path):
    def run(*files, code=0, stdin=b""):
        result = attestcommand.run(build, "show", "--json", *files, cwd=tmp_path, stdin=stdin)
        assert result.code == code, result.text
        items = result.json()
        assert all(item["verified"] is False for item in items)
        return items
    return run


@pytest.fixture(params=CASES or [None])
def folder(request):
    if request.param is None:
        pytest.skip(f"no evidence vectors at {VECTORS}: the twins with our own evidence run")
    return VECTORS / request.param


def unreadable(item):
    if isinstance(item, dict):
        return "unreadable" in item or any(unreadable(value) for value in item.values())
    return isinstance(item, list) and any(unreadable(value) for value in item)


def test_every_file_of_a_vector_is_known(show, folder):
    files = sorted(path for path in folder.iterdir() if path.name in KINDS)
    for path, item in zip(files, show(*files)):
        assert item["file"] == str(path) and item["kind"] == KINDS[path.name]
        assert not unreadable(item), path


def test_evidence_says_what_case_toml_says(show, folder):
    case = tomllib.loads((folder / "case.toml").read_text())
    body = case["expected"]["body"]
    item, = show(folder / case["files"].get("quote", case["files"].get("report")))
    assert item["tee"] == case["case"]["tee"]
    assert item["version"] == case["case"]["quote_version"]
    seen = item.get("body", item)
    for name in ("mrenclave", "mrsigner", "isvprodid", "isvsvn", "cpusvn", "attributes", "mrtd", "rtmr0", "rtmr3", "mrseam",
                 "tee_tcb_svn", "tee_tcb_svn_2", "xfam", "measurement", "report_data", "host_data", "chip_id", "policy",
                 "guest_svn", "vmpl", "platform_info", "id_key_digest", "report_id"):
        if name in body:
            assert seen[name] == body[name], name
    assert seen["debug"] == case["expected"]["debug"]
    if "reported_tcb" in body:
        assert item["reported_tcb"]["bytes"] == bytes.fromhex(body["reported_tcb"]).hex() or \
            item["reported_tcb"]["bytes"] == bytes.fromhex(body["reported_tcb"])[::-1].hex()
        return
    assert item["trailing_bytes"] == case["expected"]["header"]["trailing_bytes_after_auth_data"]
    leaf = item["cert_data"][0]
    pck = next(extension for extension in leaf["extensions"] if extension["oid"] == "1.2.840.113741.1.13.1")
    wanted = case["expected"]["pck"]
    assert (pck["fmspc"], pck["pceid"], pck["pcesvn"]) == (wanted["fmspc"], wanted["pceid"], wanted["pcesvn"])
    assert pck["components"] == wanted["cpusvn_components"] and wanted["issuer_cn"] in leaf["issuer"]
    assert int(leaf["serial"], 16) == int(wanted["serial"], 16)


# ---- twins: our own, always here ----

@pytest.fixture(scope="module")
def vendor(build):
    new = attackers.Vendor(build)
    yield new
    new.close()


def test_own_evidence_says_what_was_put_into_it(show, vendor, tmp_path):
    measurement, data = bytes(range(32)), bytes(range(64))
    path = tmp_path / "quote.bin"
    path.write_bytes(vendor.quote(measurement, data) + bytes(7))
    item, = show(path)
    assert (item["kind"], item["tee"], item["version"], item["trailing_bytes"]) == ("quote", "sgx", 3, 7)
    assert item["body"]["mrenclave"] == measurement.hex() and item["body"]["report_data"] == data.hex()
    assert "SGX PCK Certificate" in item["cert_data"][0]["subject"] and len(item["cert_data"]) == 3
    assert show("-", stdin=path.read_bytes())[0]["body"] == item["body"]


def test_own_collateral_is_known(show, vendor):
    kinds = {"tcb_info.json": "tcb-info", "qe_identity.json": "qe-identity", "pck_crl.der": "crl", "root_crl.der": "crl",
             "root.pem": "pem", "tcb_signer.pem": "pem"}
    items = show(*[vendor.dir / name for name in kinds])
    assert [item["kind"] for item in items] == list(kinds.values())
    assert not any(unreadable(item) for item in items)
    assert items[0]["levels"] and items[2]["revoked_count"] == 0


def test_a_live_certificate_shows_its_quote_and_instance(build, show, vendor, tmp_path):
    world = attackers.World(build)
    try:
        with world.enclave() as enclave:
            enclave.run()
            certificate = enclave.dir / "cert.pem"
            certificate.write_bytes(attackers.pem(attackers.stolen(enclave)[0]))
            item, = show(certificate)
            domain = enclave.instance["domain"]
    finally:
        world.close()
    extensions = {extension["oid"]: extension for extension in item["certificates"][0]["extensions"]}
    assert extensions["1.2.840.113741.1337.6"]["content"]["kind"] == "quote"
    assert extensions["1.2.840.113741.1337.100"]["content"]["domain"] == domain


def test_text_is_for_people(build, vendor, tmp_path):
    result = attestcommand.run(build, "show", vendor.dir / "pck_crl.der", cwd=tmp_path)
    assert result.code == 0 and result.out.startswith(f"{vendor.dir}/pck_crl.der (not verified)\n"), result.text
    assert "next_update" in result.out and "verified                 no" in result.out


def test_what_cannot_be_read_does_not_hide_the_rest(build, show, vendor, tmp_path):
    (tmp_path / "noise").write_bytes(bytes(range(256)))
    (tmp_path / "empty").touch()
    items = show(vendor.root, "noise", "absent", "empty", vendor.dir / "tcb_info.json", code=1)
    assert [item["kind"] for item in items] == ["pem", "tcb-info"]
    result = attestcommand.run(build, "show", "noise", "absent", "empty", cwd=tmp_path)
    assert all(f"'{name}'" in result.err for name in ("noise", "absent", "empty")), result.text


def test_text_is_not_decoded_behind_the_users_back(build, vendor, tmp_path):
    quote = vendor.quote(bytes(32), bytes(64))
    (tmp_path / "hex").write_text(quote.hex())
    (tmp_path / "base64").write_text(attackers.encode(quote))
    result = attestcommand.run(build, "show", "hex", "base64", cwd=tmp_path)
    assert result.code == 1, result.text
    assert "hexadecimal text: decode it first" in result.err and "base64 text: decode it first" in result.err


def test_nothing_hostile_reaches_the_terminal(build, tmp_path):
    certificate, _ = attackers.make_certificate("\x1b]0;owned\x07\u009b31m\u202eevil", is_ca=True)
    path = tmp_path / "\x1b[31mcert.pem"
    path.write_bytes(attackers.pem(certificate))
    for options in ([], ["--json"]):
        result = attestcommand.run(build, "show", path, *options, cwd=tmp_path)
        assert result.code == 0, result.text
        assert not any(ord(letter) < 0x20 and letter != "\n" or ord(letter) > 0x7e for letter in result.out)


def test_half_of_anything_is_an_error_not_a_crash(build, vendor, tmp_path):
    whole = [(vendor.dir / name).read_bytes() for name in ("tcb_info.json", "root.pem", "pck_crl.der")]
    whole.append(vendor.quote(bytes(32), bytes(64)))
    for number, data in enumerate(whole):
        (tmp_path / f"half{number}").write_bytes(data[:len(data) // 2])
    result = attestcommand.run(build, "show", *[f"half{number}" for number in range(len(whole))], cwd=tmp_path)
    assert result.code == 1 and result.out == "", result.text
