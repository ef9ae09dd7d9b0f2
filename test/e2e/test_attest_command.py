# SPDX-License-Identifier: Apache-2.0
"""mse attest verify and bundle on files: every vector gives its verdict, every loosening shows, wrong use is no verdict.
What needs the vectors beside the repository has a twin here with evidence of our own test CAs."""
import json
import os
import pathlib
import shutil
import subprocess
import threading
import tomllib

import pytest

import attackers
import attestcommand

VECTORS = pathlib.Path(__file__).resolve().parents[3] / "shared/vectors"
CASES = sorted(str(path.parent.relative_to(VECTORS)) for path in VECTORS.glob("*/*/case.toml"))
REASONS = {"debug attribute set": "debug", "guest policy allows debug (bit 19)": "debug",
           "TCB level not found": "tcb-not-supported"}
MEASUREMENTS = ("mrenclave", "mrtd", "measurement")


class Case:
    """One folder of vectors and what its case.toml wants to be said."""

    def __init__(self, build, name, cwd):
        self.build, self.folder, self.cwd = build, VECTORS / name, cwd
        self.toml = tomllib.loads((self.folder / "case.toml").read_text())
        self.time = self.toml["case"]["verification_time"]
        self.expected = self.toml["expected"]
        self.kind = "report" if "report" in self.toml["files"] else "quote"
        self.evidence = self.folder / self.toml["files"][self.kind]

    @property
    def error(self):
        """None: to be accepted."""
        if self.expected["appraisal"] == "accept":
            return None
        if self.expected["appraisal"] == "reject":
            return REASONS[self.expected["appraisal_reason"]]
        # collateral of different days: the note in case.toml says that issue dates refuse it before the status can
        return "not-yet-valid" if self.toml["case"]["collateral_valid_from"] > self.time else "tcb-status"

    def source(self):
        return [f"--{self.kind}", self.evidence, "--collateral", self.folder, "--time", self.time]

    def verify(self, *more, crl=False):
        """crl: without the loosening that the vectors of SEV-SNP need."""
        loose = ["--allow-missing-crl"] if self.kind == "report" and not crl else []
        return attestcommand.run(self.build, "verify", *self.source(), *loose, "--json", *more, cwd=self.cwd)


@pytest.fixture(params=CASES or [None])
def case(request, build, tmp_path):
    if request.param is None:
        pytest.skip(f"no evidence vectors at {VECTORS}: the twins with our own test CAs run")
    return Case(build, request.param, tmp_path)


def names(verdict):
    return {item["name"] for item in verdict["loosenings"]}


def test_every_vector_gives_its_verdict(case):
    result = case.verify("--report-data", case.expected["body"]["report_data"])
    verdict = result.json()
    attestcommand.check_verdict(verdict)
    assert verdict["error"] == case.error, result.text
    assert result.code == (0 if case.error is None else 2)
    assert verdict["simulated"] is False
    assert names(verdict) == ({"allow-missing-crl"} if case.kind == "report" else set())


def test_every_vector_shows_its_facts(case):
    verdict = case.verify("--report-data", "any").json()
    body = case.expected["body"]
    assert "report-data-any" in names(verdict), verdict["loosenings"]
    assert verdict["measurement"] == next(body[name] for name in MEASUREMENTS if name in body)
    assert verdict["tee"] == case.toml["case"]["tee"]
    assert verdict["debug"] == case.expected["debug"] and verdict["report_data"] == body["report_data"]
    if case.kind == "quote" and case.expected["tcb_status"] != "TcbNotSupported" and case.error != "not-yet-valid":
        assert verdict["tcb_status"] == case.expected["tcb_status"]
        assert verdict["advisory_ids"] == sorted(case.expected["advisory_ids"])


def test_a_vector_for_another_is_refused(case):
    """Expected REPORTDATA and measurement with one bit changed; the first failure names the verdict."""
    data = bytearray.fromhex(case.expected["body"]["report_data"])
    data[63] ^= 1
    result = case.verify("--report-data", data.hex())
    assert result.code == 2 and result.json()["error"] == (case.error or "binding"), result.text
    if case.error is None:
        measurement = bytearray.fromhex(result.json()["measurement"])
        measurement[0] ^= 0x80
        other = case.verify("--report-data", "any", "--measurement", measurement.hex())
        assert other.json()["error"] == "measurement", other.text
        same = case.verify("--report-data", "any", "--measurement", result.json()["measurement"])
        assert same.code == 0, same.text


def test_no_revocation_list_is_a_refusal(case):
    if case.kind == "report":
        assert case.verify("--report-data", "any", crl=True).json()["error"] == "crl-missing"
        return
    folder = case.cwd / "collateral"
    shutil.copytree(case.folder, folder, ignore=shutil.ignore_patterns("pck_crl.*"))
    argv = ["verify", "--quote", case.evidence, "--collateral", folder, "--time", case.time, "--report-data", "any",
            "--json"]
    assert attestcommand.run(case.build, *argv, cwd=case.cwd).json()["error"] == "crl-missing"


def test_debug_is_allowed_by_name_only(case):
    if case.error != "debug":
        return
    result = case.verify("--report-data", "any", "--allow-debug")
    assert "allow-debug" in names(result.json())
    assert result.json()["error"] in (None, "tcb-status"), result.text


def test_a_bundle_of_every_vector_gives_the_same_verdict(case):
    path = case.cwd / "bundle.json"
    made = attestcommand.run(case.build, "bundle", *case.source()[:4], "--output", path, "--json", cwd=case.cwd)
    assert made.code == 0, made.text
    assert made.json()["missing"] == (["ark_crl"] if case.kind == "report" else [])
    loose = ["--allow-missing-crl"] if case.kind == "report" else []
    result = attestcommand.run(case.build, "verify", "--bundle", path, "--time", case.time, "--report-data", "any",
                               "--json", *loose, cwd=case.cwd)
    assert result.json() == case.verify("--report-data", "any").json()


RATLS = {"sgx/mse-evidence": "not-yet-valid", "sgx/teetools-ratls-expired-cert": "ratls-certificate",
         "tdx/teetools-ratls-outofdate": "ratls-certificate", "sev-snp/teetools-ratls-v5": None}


def test_certificates_of_the_vectors(case):
    """Two of them have expired by the time of their collateral; the binding is the certificate's own key."""
    if "ratls" not in case.toml["files"]:
        return
    loose = ["--allow-missing-crl"] if case.kind == "report" else []
    argv = ["verify", "--ratls", case.folder / "ratls.pem", "--collateral", case.folder, "--time", case.time, "--json"]
    result = attestcommand.run(case.build, *argv, *loose, cwd=case.cwd)
    attestcommand.check_verdict(result.json())
    assert result.json()["error"] == RATLS[case.toml["case"]["name"]], result.text
    binding = next(check for check in result.json()["checks"] if check["name"] == "binding")
    assert binding["result"] == "passed" and "report-data-any" not in names(result.json())


# ---- twin: evidence of the simulated vendor, always here ----

class Own:
    """A quote of the simulated vendor with its collateral in a folder."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.vendor = attackers.Vendor(build)
        self.measurement, self.report_data = bytes(range(32)), bytes(range(64))
        self.collateral = folder / "collateral"
        self.collateral.mkdir()
        chain = (self.vendor.dir / "tcb_signer.pem").read_text() + self.vendor.root.read_text()
        for name in ("tcb_info", "qe_identity"):
            shutil.copy(self.vendor.dir / f"{name}.json", self.collateral)
            (self.collateral / f"{name}_issuer_chain.pem").write_text(chain)
        shutil.copy(self.vendor.dir / "pck_crl.der", self.collateral)
        shutil.copy(self.vendor.dir / "root_crl.der", self.collateral / "root_ca_crl.der")
        self.quote = folder / "quote.bin"
        self.quote.write_bytes(self.vendor.quote(self.measurement, self.report_data))

    def verify(self, *more, root=True, data=True, quote=None, collateral=True, stdin=b"", cwd=None):
        argv = ["verify", "--quote", quote or self.quote]
        argv += ["--collateral", self.collateral] if collateral else []
        argv += ["--allow-simulation", self.vendor.root] if root else []
        argv += ["--report-data", self.report_data.hex()] if data else []
        return attestcommand.run(self.build, *argv, *more, cwd=cwd or self.folder, stdin=stdin)


@pytest.fixture(scope="module")
def own(build, tmp_path_factory):
    new = Own(build, tmp_path_factory.mktemp("own"))
    yield new
    new.vendor.close()


def test_own_evidence_is_accepted(own):
    result = own.verify("--measurement", own.measurement.hex(), "--json")
    assert result.code == 0, result.text
    attestcommand.check_verdict(result.json())
    assert result.json()["simulated"] is True and result.json()["notice"].startswith("SIMULATED")
    assert names(result.json()) == {"allow-simulation"}
    assert own.verify().out.startswith("SIMULATED: no hardware protects this\nACCEPTED\n")


def test_every_loosening_shows(own):
    result = own.verify("--report-data", "any", "--allow-debug", "--allow-missing-crl", "--json", data=False)
    assert result.code == 0, result.text
    assert names(result.json()) == {"allow-simulation", "report-data-any", "allow-debug", "allow-missing-crl"}
    text = own.verify("--report-data", "any", data=False).out
    assert "report-data-any" in text


@pytest.mark.parametrize("more, name", [
    ({"root": False}, "simulated"), ({"more": ["--measurement", "00" * 32]}, "measurement"),
    ({"more": ["--measurement", "00" * 48]}, "measurement"),
    ({"data": False, "more": ["--report-data", "00" * 64]}, "binding"),
    ({"more": ["--time", "2999-01-01T00:00:00Z"]}, "cert-expired"),
    ({"more": ["--time", "1999-01-01T00:00:00+00:00"]}, "not-yet-valid")])
def test_refusals_have_names(own, more, name):
    result = own.verify(*more.pop("more", []), "--json", **more)
    assert result.code == 2, result.text
    attestcommand.check_verdict(result.json())
    assert result.json()["error"] == name


@pytest.mark.parametrize("item, name", [
    ("tcb_info.json", "collateral-malformed"), ("qe_identity.json", "collateral-malformed"),
    ("pck_crl.der", "crl-missing"), ("root_ca_crl.der", "crl-missing"),
    ("tcb_info_issuer_chain.pem", "chain-invalid")])
def test_an_item_that_is_not_there_is_a_refusal(own, tmp_path, item, name):
    shutil.copytree(own.collateral, tmp_path / "collateral")
    (tmp_path / "collateral" / item).unlink()
    result = own.verify("--collateral", tmp_path / "collateral", "--json", collateral=False)
    assert result.code == 2 and result.json()["error"] == name, result.text


def test_missing_lists_are_allowed_by_name_and_given_ones_still_count(own, tmp_path):
    shutil.copytree(own.collateral, tmp_path / "collateral")
    (tmp_path / "collateral/pck_crl.der").unlink()
    loose = ["--collateral", tmp_path / "collateral", "--allow-missing-crl", "--json"]
    result = own.verify(*loose, collateral=False)
    assert result.code == 0 and "allow-missing-crl" in names(result.json()), result.text
    (tmp_path / "collateral/pck_crl.der").write_bytes(b"0\x00")
    result = own.verify(*loose, collateral=False)
    assert result.code == 2 and result.json()["error"] == "crl-malformed", result.text


@pytest.mark.parametrize("edit, name, said", [
    (lambda b: b"", "truncated", None), (lambda b: b[:1000], "truncated", None),
    (lambda b: b[:-1], "truncated", None), (lambda b: b + bytes(4000), None, None),
    (lambda b: b.hex().encode(), "unsupported-version", "hexadecimal text"),
    (lambda b: attackers.encode(b).encode(), "unsupported-version", "base64 text"),
    (lambda b: b"-----BEGIN CERTIFICATE-----\n" + b, "unsupported-version", "PEM"),
    (lambda b: b"{" + b"x" * 2000, "unsupported-version", "JSON"),
    (lambda b: bytes(4096), "unsupported-version", None)])
def test_whatever_a_file_holds_is_judged(own, tmp_path, edit, name, said):
    path = tmp_path / "quote"
    path.write_bytes(edit(own.quote.read_bytes()))
    result = own.verify("--json", quote=path)
    assert result.code == (2 if name else 0) and result.json()["error"] == name, result.text
    assert (f"is {said}" in result.err) if said else result.err == "", result.text


def test_standard_input_is_a_file(own):
    assert own.verify(quote="-", stdin=own.quote.read_bytes()).code == 0


def test_more_than_a_megabyte_is_not_read(own, tmp_path):
    for size, code in ((1 << 20, 2), ((1 << 20) + 1, 1)):
        path = tmp_path / "big"
        path.write_bytes(bytes(size))
        assert own.verify(quote=path).code == code


@pytest.mark.parametrize("argv, part", [
    ([], "no evidence"), (["--quote", "absent", "--report-data", "any"], "absent"),
    (["--quote", "QUOTE", "--report", "QUOTE"], "do not go together"),
    (["--quote", "QUOTE"], "--report-data"), (["--quote", "QUOTE", "--report-data", ""], "--report-data"),
    (["--quote", "QUOTE", "--report-data", "00"], "64 bytes"),
    (["--quote", "QUOTE", "--report-data", "0" * 127], "64 bytes"),
    (["--quote", "QUOTE", "--report-data", "x" * 128], "64 bytes"),
    (["--quote", "QUOTE", "--report-data", "ANY"], "64 bytes"),
    (["--quote", "QUOTE", "--report-data", "any", "--report-data", "any"], "twice"),
    (["--quote", "QUOTE", "--report-data", "any", "--measurement", "00"], "--measurement"),
    (["--quote", "QUOTE", "--report-data", "any", "--time", "2026-01-01T00:00:00"], "no zone"),
    (["--quote", "QUOTE", "--report-data", "any", "--time", "yesterday"], "--time"),
    (["--quote", "QUOTE", "--report-data", "any", "--collateral", "absent"], "--collateral"),
    (["--quote", "QUOTE", "--report-data", "any", "--collateral", "."], "none of the files"),
    (["--quote", "QUOTE", "--report-data", "any", "--collateral", ".", "--bundle", "x"], "only one"),
    (["--quote", "QUOTE", "--report-data", "any", "--bundle", "QUOTE"], "bundle"),
    (["--quote", "QUOTE", "--report-data", "any", "--offline"], "collateral"),
    (["--quote", "QUOTE", "--report-data", "any", "--servername", "x"], "--servername"),
    (["--ratls", "QUOTE", "--report-data", "00"], "64 bytes"),
    (["--quote", "QUOTE", "--report-data", "any", "--allow-simulation", "absent"], "absent"),
    (["--quote", "QUOTE", "--report-data", "any", "--trust-root", "absent"], "absent"),
    (["--quote", "QUOTE", "--report-data", "any", "--trust-root", "QUOTE", "--collateral", "COLLATERAL"], "--trust-root"),
    (["--quote", "QUOTE", "--report-data", "any", "--trust-root", "EMPTY", "--collateral", "COLLATERAL"], "--trust-root"),
    (["--ratls", "EMPTY", "--collateral", "COLLATERAL"], "is empty"),
    (["--bundle", "EMPTY", "--report-data", "any"], "is empty"),
    (["--quote", "QUOTE", "--report-data", "any", "--trust-root", "ROOT", "--collateral", "COLLATERAL"], "simulation"),
    (["--quote", "QUOTE", "--report-dat", "any"], "did you mean '--report-data'")])
def test_wrong_use_is_no_verdict(own, tmp_path, argv, part):
    (tmp_path / "empty").touch()
    words = {"QUOTE": own.quote, "ROOT": own.vendor.root, "COLLATERAL": own.collateral, "EMPTY": tmp_path / "empty"}
    result = attestcommand.run(own.build, "verify", *[words.get(word, word) for word in argv], cwd=tmp_path)
    assert result.code == 1 and result.out == "" and part in result.err, result.text


# ---- twins: test CAs in the shape of Intel and AMD ----

INTEL_KINDS = ["sgx-v3", "sgx-v4", "sgx-v5", "tdx-v4", "tdx-v5-1.0", "tdx-v5-1.5"]
DATA = bytes(range(64)).hex()
TIME = ("1780000000", "2026-05-28T20:26:40Z")


class Ca:
    """A folder of evidence as one of the test CAs makes it, with its root."""

    def __init__(self, build, folder, maker, *options):
        folder.mkdir(exist_ok=True)
        self.build, self.folder = build, folder
        self.report_data = ["--report-data", DATA]
        subprocess.run([build / f"test/support/{maker}_tool", folder, "--time", TIME[0], *self.report_data, *options],
                       check=True)
        self.root = folder / ("root.pem" if maker == "intel" else "ark.pem")
        self.kind = "quote" if maker == "intel" else "report"

    def verify(self, *more, root=True, evidence=True, data=True, collateral=True):
        argv = ["verify", "--json", "--time", TIME[1]]
        argv += ["--collateral", self.folder] if collateral else []
        argv += [f"--{self.kind}", self.folder / f"{self.kind}.bin"] if evidence else []
        argv += self.report_data if data else []
        argv += ["--trust-root", self.root] if root else []
        return attestcommand.run(self.build, *argv, *more, cwd=self.folder)

    def error(self, *more, **options):
        """The error's name, None if accepted; the exit status must agree."""
        result = self.verify(*more, **options)
        assert result.code in (0, 2), result.text
        attestcommand.check_verdict(result.json())
        assert result.code == (0 if result.json()["error"] is None else 2)
        return result.json()["error"]


@pytest.fixture
def intel(build, tmp_path):
    return lambda *options, name="intel": Ca(build, tmp_path / name, "intel", *options)


@pytest.fixture
def amd(build, tmp_path):
    return lambda *options, name="amd": Ca(build, tmp_path / name, "amd", *options)


@pytest.mark.parametrize("kind", INTEL_KINDS)
def test_a_root_is_trusted_for_the_call(intel, kind):
    ca = intel("--kind", kind)
    verdict = ca.verify().json()
    assert (verdict["error"], verdict["tee"], verdict["tcb_status"]) == (None, kind[:3], "UpToDate")
    assert names(verdict) == {"trust-root"}
    assert ca.error(root=False) == "root-untrusted"
    assert ca.error("--trust-root", ca.folder / "ratls.pem", root=False) == "root-untrusted"
    assert ca.error("--ratls", ca.folder / "ratls.pem", evidence=False, data=False) is None
    assert ca.error("--report-data", "00" * 64, data=False) == "binding"


@pytest.mark.parametrize("options", [
    ["--product", "Milan", "--version", "2"], ["--product", "Milan", "--version", "3", "--vlek"],
    ["--product", "Genoa", "--version", "5"], ["--product", "Turin", "--version", "5"]])
def test_a_root_of_amd_is_told_apart_by_its_key(amd, options):
    ca = amd(*options)
    verdict = ca.verify().json()
    assert (verdict["error"], verdict["tee"]) == (None, "sev-snp")
    assert names(verdict) == {"trust-root"}, "its revocation list is there"
    assert ca.error(root=False) == "root-untrusted"
    assert ca.error("--ratls", ca.folder / "ratls.pem", evidence=False, data=False) is None
    made = attestcommand.run(ca.build, "bundle", "--report", ca.folder / "report.bin", "--collateral", ca.folder,
                             "--output", ca.folder / "b.json", "--json", cwd=ca.folder)
    assert made.json()["missing"] == [], made.text
    assert ca.error("--bundle", ca.folder / "b.json", evidence=False, collateral=False) is None


def test_a_certificate_has_its_own_binding(intel):
    """--report-data is not needed, and loosens no more than the 32 bytes that are not the key's."""
    ca = intel()
    ratls = ["--ratls", ca.folder / "ratls.pem"]
    verdict = ca.verify(*ratls, evidence=False, data=False).json()
    assert verdict["error"] is None and verdict["report_data"][64:] == "00" * 32
    loose = ca.verify(*ratls, "--report-data", "any", evidence=False, data=False).json()
    assert loose["error"] is None and names(loose) == {"trust-root", "report-data-extra"}
    for data, name in ((verdict["report_data"], None), (verdict["report_data"][:127] + "1", "binding"),
                       (DATA[:64] + "00" * 32, "binding")):
        assert ca.error(*ratls, "--report-data", data, evidence=False, data=False) == name


def test_the_age_of_a_certificate_is_bounded(intel):
    ca = intel()
    ratls = ["--ratls", ca.folder / "ratls.pem"]
    verdict = ca.verify(*ratls, "--max-age", "999999999", evidence=False, data=False).json()
    age = [check for check in verdict["checks"] if check["name"] == "age"]
    assert verdict["error"] is None and age[0]["result"] == "passed"
    refused = ca.verify(*ratls, "--max-age", "1", evidence=False, data=False)
    assert refused.code == 2 and refused.json()["error"] == "stale" and "more than 1 seconds" in refused.text
    for value, part in (("0", "--max-age"), ("-1", "--max-age"), ("x", "--max-age"), ("99999999999", "--max-age")):
        wrong = ca.verify(*ratls, "--max-age", value, evidence=False, data=False)
        assert wrong.code == 1 and part in wrong.err and wrong.out == "", wrong.text
    bare = ca.verify("--max-age", "5")
    assert bare.code == 1 and "goes with --ratls and --host" in bare.err, bare.text


def test_evidence_from_a_command(intel):
    """As a shell passes <(COMMAND): a pipe that has a name."""
    ca = intel()
    pipe = ca.folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes((ca.folder / "quote.bin").read_bytes()))
    writer.start()
    result = ca.verify("--quote", pipe, evidence=False)
    writer.join()
    assert result.code == 0, result.text


@pytest.mark.parametrize("text", ["12", "0" * 63, "0" * 65, "0" * 95, "0" * 97])
def test_a_measurement_that_is_none_is_told_its_sizes(intel, text):
    result = intel().verify("--measurement", text)
    assert result.code == 1 and f"has {len(text)} characters, expected 64 hex digits" in result.err and "96" in result.err


def test_azure_wraps_a_report(amd):
    ca = amd()
    data = (ca.folder / "hcl_report_data.hex").read_text().strip()
    wrapped = ["--report", ca.folder / "hcl.bin"]
    assert ca.error(*wrapped, "--report-data", data, evidence=False, data=False) is None
    assert ca.error(*wrapped, evidence=False) == "binding"


@pytest.mark.parametrize("options, more, name", [
    (["--revoked"], [], "pck-revoked"), (["--break"], [], "quote-signature"), (["--debug"], [], "debug"),
    (["--debug"], ["--allow-debug"], None), (["--component", "5"], [], "tcb-status"),
    (["--component", "3"], [], "tcb-revoked"), (["--component", "2"], [], "tcb-not-supported"),
    (["--component", "3", "--debug"], ["--allow-debug"], "tcb-revoked"),
    (["--kind", "tdx-v4", "--module", "4"], [], "tcb-status"), (["--kind", "tdx-v5-1.5", "--debug"], [], "debug"),
    (["--qe-svn", "2"], [], "tcb-revoked"), (["--cert-data-type", "1"], [], None)])
def test_refusals_of_intels_evidence(intel, options, more, name):
    assert intel(*options).error(*more) == name


def test_a_quote_without_its_chain_needs_one(intel):
    ca = intel("--cert-data-type", "3")
    (ca.folder / "pck_cert_chain.pem").unlink()
    assert ca.error() == "pck-chain-missing"


@pytest.mark.parametrize("options, more, name", [
    (["--revoked"], [], "ca-revoked"), (["--revoked"], ["--allow-missing-crl"], "ca-revoked"),
    (["--no-crl"], [], "crl-missing"), (["--no-crl"], ["--allow-missing-crl"], None),
    (["--break"], [], "report-signature"), (["--debug"], [], "debug"), (["--debug"], ["--allow-debug"], None),
    (["--other-chip"], [], "chip-mismatch"), (["--microcode", "3"], [], "tcb-mismatch"),
    (["--migrate"], [], "guest-policy")])
def test_refusals_of_amds_evidence(amd, options, more, name):
    assert amd(*options).error(*more) == name


def test_a_marked_root_is_never_hardware(intel):
    ca = intel("--simulated")
    result = ca.verify()
    assert result.code == 1 and "simulation" in result.err and result.out == "", result.text
    assert ca.error(root=False) == "simulated"
    verdict = ca.verify("--allow-simulation", ca.root, root=False).json()
    assert verdict["error"] is None and verdict["simulated"] is True


@pytest.mark.parametrize("policy, name", [
    ('{"version":1}', "tcb-status"), ('{"version":1,"tcb_statuses":["UpToDate","OutOfDate"]}', None),
    ('{"version":1,"exceptions":[{"reason":"ticket 4711","until":"2999-01-01T00:00:00Z",'
     '"tcb_statuses":["OutOfDate"]}]}', None),
    ('{"version":1,"exceptions":[{"reason":"ticket 4711","until":"2020-01-01T00:00:00Z",'
     '"tcb_statuses":["OutOfDate"]}]}', "tcb-status"),
    ('version = 1\ntcb_statuses = ["UpToDate", "OutOfDate"]\nmeasurements = ["' + "00" * 32 + '"]\n', "measurement")])
def test_a_policy_decides(intel, policy, name):
    ca = intel("--component", "5")
    path = ca.folder / ("policy.json" if policy.startswith("{") else "policy.toml")
    path.write_text(policy)
    assert ca.error("--policy", path) == name
    if "ticket" in policy and name is None:
        assert "ticket 4711" in json.dumps(ca.verify("--policy", path).json()["loosenings"])


@pytest.mark.parametrize("policy", ["", "{}", '{"version":2}', '{"version":1,"unknown":1}', '{"version":1} x',
                                    '{"version":1,"measurements":[]}'])
def test_a_policy_that_cannot_be_kept_is_no_verdict(intel, policy):
    ca = intel()
    (ca.folder / "policy.json").write_text(policy)
    result = ca.verify("--policy", ca.folder / "policy.json")
    assert result.code == 1 and result.out == "" and "policy" in result.err, result.text


# ---- bundles ----

@pytest.fixture
def bundle(own, tmp_path):
    path = tmp_path / "bundle.json"
    made = attestcommand.run(own.build, "bundle", "--quote", own.quote, "--collateral", own.collateral, "--output", path,
                             cwd=tmp_path)
    assert made.code == 0 and "not verified" in made.err, made.text
    return path


def judge_bundle(own, path, *more):
    return attestcommand.run(own.build, "verify", "--bundle", path, "--allow-simulation", own.vendor.root, "--json",
                             *more, cwd=path.parent)


def test_a_bundle_is_judged_without_anything_else(own, bundle):
    data = own.report_data.hex()
    assert judge_bundle(own, bundle, "--report-data", data).code == 0
    assert judge_bundle(own, bundle, "--report-data", "00" * 64).json()["error"] == "binding"
    assert judge_bundle(own, bundle).code == 1, "a bundle does not say what it must be bound to"
    other = judge_bundle(own, bundle, "--quote", own.quote, "--report-data", data)
    assert other.code == 0, "collateral of the bundle, evidence of our own\n" + other.text


def test_report_data_in_a_bundle_counts_for_nothing(own, bundle):
    document = json.loads(bundle.read_text())
    for place in (document, document["evidence"]):
        place["report_data"] = own.report_data.hex()
        bundle.write_text(json.dumps(document))
        result = judge_bundle(own, bundle)
        assert result.code == 1 and "report_data" in result.err, result.text
        del place["report_data"]


def test_members_may_come_in_any_order(own, bundle):
    document = json.loads(bundle.read_text())
    turned = {name: document[name] for name in reversed(document)}
    turned["collateral"] = dict(reversed(document["collateral"].items()))
    bundle.write_text(json.dumps(turned, indent=2))
    assert judge_bundle(own, bundle, "--report-data", own.report_data.hex()).code == 0


def test_refresh_renews_the_collateral_only(own, bundle, tmp_path):
    document = json.loads(bundle.read_text())
    before = dict(document)
    document["made"] = "2000-01-01T00:00:00Z"
    document["collateral"] = {"tcb_info": attackers.encode(b"{}"), "ask": attackers.encode(b"kept")}
    bundle.write_text(json.dumps(document))
    data = own.report_data.hex()
    assert judge_bundle(own, bundle, "--report-data", data).json()["error"] == "crl-missing"
    done = attestcommand.run(own.build, "bundle", "--refresh", bundle, "--collateral", own.collateral, "--json",
                             cwd=tmp_path)
    assert done.code == 0 and done.json()["missing"] == [], done.text
    after = json.loads(bundle.read_text())
    assert after["evidence"] == before["evidence"]
    assert after["collateral"] == before["collateral"] | {"ask": attackers.encode(b"kept")}
    assert after["made"] > before["made"][:4]
    assert judge_bundle(own, bundle, "--report-data", data).code == 0


def test_a_bundle_says_what_it_lacks(own, tmp_path):
    (tmp_path / "some").mkdir()
    shutil.copy(own.collateral / "pck_crl.der", tmp_path / "some")
    made = attestcommand.run(own.build, "bundle", "--quote", own.quote, "--collateral", "some", "--output", "b.json",
                             "--json", cwd=tmp_path)
    assert made.code == 0 and "has no tcb_info" in made.err, made.text
    assert made.json()["missing"] == ["tcb_info", "tcb_info_issuer_chain", "qe_identity", "qe_identity_issuer_chain",
                                      "root_ca_crl"]


@pytest.mark.parametrize("argv, part", [
    ([], "no evidence"), (["--quote", "QUOTE", "--collateral", "COLLATERAL"], "--output"),
    (["--quote", "QUOTE", "--output", "x", "--offline"], "collateral"),
    (["--quote", "QUOTE", "--collateral", "COLLATERAL", "--output", "absent/x"], "absent"),
    (["--quote", "EMPTY", "--collateral", "COLLATERAL", "--output", "x"], "empty"),
    (["--refresh", "absent", "--collateral", "COLLATERAL"], "absent"),
    (["--refresh", "QUOTE", "--quote", "QUOTE"], "in place"), (["--refresh", "EMPTY"], "is empty"),
    (["--refresh", "QUOTE", "--collateral", "COLLATERAL"], "bundle")])
def test_wrong_use_makes_no_bundle(own, tmp_path, argv, part):
    (tmp_path / "empty").touch()
    words = {"QUOTE": own.quote, "COLLATERAL": own.collateral, "EMPTY": tmp_path / "empty"}
    result = attestcommand.run(own.build, "bundle", *[words.get(word, word) for word in argv], cwd=tmp_path)
    assert result.code == 1 and part in result.err, result.text
    assert not (tmp_path / "x").exists()
