# SPDX-License-Identifier: Apache-2.0
"""mse sgx measure against the published vectors of Gramine 1.9's own signer, and against what it must refuse."""
import json
import subprocess

import pytest

LIBPAL = bytes.fromhex(
    "7f454c4602010100000000000000000003003e00010000004000000000000000"
    "4000000000000000000000000000000000000000400038000100400000000000"
    "0100000005000000000000000000000000000000000000000000000000000000"
    "780000000000000078000000000000000010000000000000")
VECTORS = [
    ("false", 1, "1d149c7a2196c4a7802f7c5b06811702aee9e5dd28833270449f4a52f3826ccd"),
    ("true", 2, "d491eaffbd9f5a178e0ea0ef7aa5e3e9fa5c80580e2388511111e668d1cf6c00"),
]


@pytest.fixture
def measure(build, tmp_path):
    def run(manifest, libpal=LIBPAL, *options):
        (tmp_path / "x.manifest.sgx").write_text(manifest)
        (tmp_path / "libpal.so").write_bytes(libpal)
        return subprocess.run([build / "mse", "sgx", "measure", "--manifest", tmp_path / "x.manifest.sgx",
                               "--libpal", tmp_path / "libpal.so", *options], capture_output=True, text=True)
    return run


def text(edmm, threads, size='"1M"'):
    return f"[sgx]\nenclave_size = {size}\nedmm_enable = {edmm}\nmax_threads = {threads}\n"


@pytest.mark.parametrize("edmm,threads,wanted", VECTORS)
def test_published_vectors(measure, edmm, threads, wanted):
    shown = measure(text(edmm, threads))
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[0] == f"mrenclave       {wanted}"
    answer = json.loads(measure(text(edmm, threads), LIBPAL, "--json").stdout)
    assert answer["mrenclave"] == wanted
    assert answer["threads"] == threads


@pytest.mark.parametrize("manifest,libpal,part", [
    (text("false", 1), b"text", "too short for an ELF file"),
    (text("false", 1), LIBPAL[:119], "beyond the end of the file"),
    (text("false", 0), LIBPAL, "line 4: 'sgx.max_threads' is 0, expected 1 to 4096"),
    (text("false", 1, '"3M"'), LIBPAL, "not a power of two"),
    (text("false", 1, "1048576"), LIBPAL, "line 2: 'sgx.enclave_size' is of type integer, expected string"),
    ("[sgx\n", LIBPAL, "line 1"),
])
def test_refusals_are_one_line(measure, manifest, libpal, part):
    refused = measure(manifest, libpal)
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert part in refused.stderr and refused.stderr.count("\n") == 1


def test_missing_file_is_named(build, tmp_path):
    refused = subprocess.run([build / "mse", "sgx", "measure", "--manifest", tmp_path / "none", "--libpal", "/dev/null"],
                             capture_output=True, text=True)
    assert refused.returncode == 1
    assert str(tmp_path / "none") in refused.stderr
