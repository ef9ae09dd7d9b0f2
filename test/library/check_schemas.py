# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema files say what the library does: of its verdicts, and of the policies that it takes."""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import jsonschema

tool, source = sys.argv[1], pathlib.Path(sys.argv[2])
formats, examples = source / "docs/formats", source / "docs/examples"
faults = []


def load(name):
    schema = json.loads((formats / name).read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def expect(holds, what):
    if not holds:
        faults.append(what)


def first_error(validator, value):
    errors = sorted(validator.iter_errors(value), key=str)
    return "" if not errors else f"{'/'.join(map(str, errors[0].path))}: {errors[0].message[:300]}"


def check_verdicts():
    validator = load("verdict.schema.json")
    text = subprocess.run([tool], check=True, capture_output=True, text=True).stdout
    verdicts = dict(part.split("\n", 1) for part in text.split("== ")[1:])
    expect(len(verdicts) >= 25, f"{len(verdicts)} verdicts only")
    known = set(validator.schema["properties"])
    for name, body in verdicts.items():
        verdict = json.loads(body)
        expect(not first_error(validator, verdict), f"verdict '{name}': {first_error(validator, verdict)}")
        expect(set(verdict) <= known, f"verdict '{name}': not in the schema: {set(verdict) - known}")
        expect(name.endswith("accepted") <= (verdict["verdict"] == "accept"), f"verdict '{name}' is a refusal")
    bite(validator, json.loads(verdicts["sgx-v3 accepted"]))


def bite(validator, good):
    """What the schema must not take."""
    for name in validator.schema["required"]:
        bad = {key: value for key, value in good.items() if key != name}
        expect(first_error(validator, bad), f"schema takes a verdict without '{name}'")
    for path, value in [(("error",), "binding"), (("verdict",), "yes"), (("simulated",), True), (("quote", "tee"), "tdx"),
                        (("quote", "new"), 1), (("checks", 0, "result"), "failed"), (("measurement",), "00"),
                        (("checks", 0, "error"), "binding"), (("valid_until",), "soon"), (("tcb_status",), "uptodate")]:
        bad = copy.deepcopy(good)
        place = bad
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        expect(first_error(validator, bad), f"schema takes a verdict with {path} = {value!r}")


def check_error_names():
    header = (source / "include/mse/attest.h").read_text()
    rows = re.search(r"#define ATTEST_ERRORS\(X\)(.*?)\nenum attest_error \{", header, re.S).group(1)
    names = {text for name, text in re.findall(r'X\((\w+), "([^"]+)"\)', rows) if name != "NONE"}
    schema = json.loads((formats / "verdict.schema.json").read_text())
    listed = set(schema["definitions"]["check"]["properties"]["error"]["enum"])
    expect(names == listed, f"error names of attest.h and verdict.schema.json differ: {names ^ listed}")
    pattern = schema["properties"]["error"]["oneOf"][1]["pattern"]
    expect(all(re.match(pattern, name) for name in names), "the pattern of 'error' lacks a name")


def is_accepted(policy):
    answer = subprocess.run([tool, "policy"], input=json.dumps(policy), check=True, capture_output=True, text=True).stdout
    return answer == "accepted\n"


HEX32, HEX48 = "00" * 32, "ab" * 48
EXCEPTION = {"reason": "x", "until": "2026-06-01T00:00:00Z"}
GOOD = [
    {}, {"tees": ["sgx", "tdx", "sev-snp"]}, {"measurements": [HEX32, HEX48]}, {"signers": [HEX32]}, {"svn_min": 0},
    {"tcb_statuses": ["UpToDate", "TDRelaunchAdvised"]}, {"advisories": []}, {"tcb_date_min": "2024-01-01T00:00:00Z"},
    {"evaluation_number_min": 4294967295}, {"machines": [{"kind": "ppid-sha256", "id": HEX32}]},
    {"deny": [{"reason": "x", "product": "Turin"}, {"reason": "y", "tees": ["tdx"], "advisory": "INTEL-SA-1"}]},
    {"sgx": {}}, {"sgx": {"isvprodid": 65535, "configid": "00" * 64}},
    {"tdx": {"rtmr2": [HEX48], "attributes_allowed": "0x20000000", "require_sept_ve_disable": False}},
    {"sev_snp": {"vmpls": [3, "host"], "policy_forbidden": "0xFF", "fmc_min": 255, "csp_id": "a b"}},
    {"exceptions": [{**EXCEPTION, "debug": True}, {**EXCEPTION, "tcb_statuses": ["OutOfDate"]}]},
    {"allow_debug": True, "allow_missing_crl": False, "allow_any_config": True}, {"simulation_roots": ["x"]},
]
BAD_FORM = [
    {"version": 2}, {"version": None}, {"new": 1}, {"tees": []}, {"tees": ["sgx", "sgx"]}, {"tees": "sgx"}, {"measurements": []},
    {"measurements": ["00" * 31]}, {"svn_min": -1}, {"svn_min": 1.5}, {"svn_min": 4294967296}, {"svn_min": "1"},
    {"tcb_statuses": ["Revoked"]}, {"tcb_statuses": ["uptodate"]}, {"advisories": ["é"]}, {"advisories": ["x" * 257]},
    {"tcb_date_min": "2024-01-01"}, {"machines": [{"kind": "chip-id", "id": HEX32}]}, {"machines": [{"id": HEX32}]},
    {"deny": [{"reason": "x"}]}, {"deny": [{"tees": ["sgx"]}]}, {"deny": [{"reason": "x", "product": "Rome"}]},
    {"sgx": {"isvprodid": 65536}}, {"sgx": {"mrenclave": HEX32}}, {"sgx": []}, {"tdx": {"rtmr4": [HEX48]}},
    {"tdx": {"attributes_allowed": 1}}, {"tdx": {"attributes_allowed": "1"}}, {"sev_snp": {"vmpls": [4]}},
    {"sev_snp": {"vmpls": []}}, {"sev_snp": {"fmc_min": 256}}, {"exceptions": [EXCEPTION]}, {"exceptions": [{"debug": True}]},
    {"exceptions": [{**EXCEPTION, "debug": 1}]}, {"allow_debug": "yes"}, {"simulation_roots": []}, {"simulation_roots": [""]},
    {"exceptions": [{**EXCEPTION, "debug": True}] * 33}, {"measurements": [HEX32] * 1025},
]
BAD_SENSE = [  # of a right form, but not enforceable
    {"tees": ["tdx"], "sgx": {}}, {"tcb_date_min": "2025-01-01T00:00:00Z", "tcb_date_max": "2024-01-01T00:00:00Z"},
    {"tcb_date_min": "2026-02-30T00:00:00Z"}, {"tdx": {"attributes_allowed": "0x1"}},
    {"sev_snp": {"policy_required": "0x10000", "policy_forbidden": "0x10000"}}, {"exceptions": [{**EXCEPTION, "debug": False}]},
    {"deny": [{"reason": "x", "product": "Milan", "fmspc": "00" * 6}]},
]


def check_policies():
    validator = load("policy.schema.json")
    for members in GOOD:
        policy = {"version": 1, **members}
        expect(not first_error(validator, policy), f"schema refuses {policy}: {first_error(validator, policy)}")
        expect(is_accepted(policy), f"library refuses {policy}")
    for members in BAD_FORM + BAD_SENSE:
        policy = {"version": 1, **members}
        expect((members in BAD_SENSE) != bool(first_error(validator, policy)), f"schema on {str(policy)[:200]}")
        expect(not is_accepted(policy), f"library accepts {str(policy)[:200]}")
    expect(first_error(validator, {}) and not is_accepted({}), "a policy without version")
    return validator


def check_examples(validator):
    policy = json.loads((examples / "policy.json").read_text())
    expect(not first_error(validator, policy) and is_accepted(policy), "docs/examples/policy.json")
    toml = tomllib.loads((examples / "policy.toml").read_text())
    same = json.loads(json.dumps(toml, default=lambda date: date.strftime("%Y-%m-%dT%H:%M:%SZ")))
    expect(same == policy, "docs/examples/policy.toml is not policy.json")


def check_documented(validator):
    """docs/formats/policy.md names every member."""
    text = (formats / "policy.md").read_text()
    schema = validator.schema
    names = set(schema["properties"])
    for section in ("sgx", "tdx", "sev_snp"):
        names |= set(schema["properties"][section]["properties"])
    expand = text.replace("`rtmr0` … `rtmr3`", "`rtmr0` `rtmr1` `rtmr2` `rtmr3`")
    expect(all(f"`{name}`" in expand for name in names), f"policy.md lacks {[n for n in names if f'`{n}`' not in expand]}")


check_verdicts()
check_error_names()
validator = check_policies()
check_examples(validator)
check_documented(validator)
print("\n".join(faults))
sys.exit(1 if faults else 0)
