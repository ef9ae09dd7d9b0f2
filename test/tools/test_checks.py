# SPDX-License-Identifier: Apache-2.0
"""The layer check and the source check find what they are there to find, and pass what is right."""
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


def run(tool, root):
    return subprocess.run([ROOT / "tools" / tool, root], capture_output=True, text=True)


def tree(tmp_path, relative, content):
    path = tmp_path / "src" / relative
    path.parent.mkdir(parents=True)
    path.write_text(LICENCE + content)
    return tmp_path


def test_the_tree_itself_passes_both():
    for tool in ("check-layers", "check-source"):
        result = run(tool, ROOT)
        assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("relative, content, wanted", [
    ("base/x.c", '#include "crypto/hash.h"\n', "src/base/x.c:2: 'base' includes 'crypto/hash.h' of a higher layer"),
    ("format/x.c", '#include "crypto/hash.h"\n', "of its own layer"),
    ("domain/x.c", '#include "net/http_server.h"\n', "'domain' may not use 'net'"),
    ("attest/x.c", "#include <openssl/evp.h>\n", "may only be included below crypto/, net/tls"),
    ("attest/x.c", '#include "base/fs.h"\n', "'attest' is pure"),
    ("common/x.c", "\n", "folder is in no layer"),
    ("enclave/serve/x.c", '#include "enclave/python/python.h"\n',
     "'enclave/serve' includes 'enclave/python/python.h' of a higher layer"),
    ("enclave/asgi/x.c", '#include "enclave/wsgi/wsgi.h"\n', "of its own layer"),
    ("enclave/attested/x.c", '#include "enclave/python/python.h"\n', "'enclave/attested' may not use 'enclave/python'"),
    ("enclave/plain/x.c", '#include "enclave/runtime.h"\n', "of a higher layer"),
    ("enclave/common/x.c", '#include "enclave/wsgi/wsgi.h"\n', "folder is in no layer"),
    ("enclave/main.c", '#include "enclave/common/x.h"\n', "'enclave/common/x.h' is in no layer"),
    ("enclave/attested/x.c", "#include <Python.h>\n", "may only be included below enclave/python/"),
])
def test_layers_refuse(tmp_path, relative, content, wanted):
    result = run("check-layers", tree(tmp_path, relative, content))
    assert result.returncode == 1
    assert wanted in result.stdout


@pytest.mark.parametrize("relative, content", [
    ("cli/x.c", '#include "attest/x.h"\n#include <mse/attest.h>\n'),
    ("net/tls_server.c", "#include <openssl/ssl.h>\n"),
    ("enclave/python/python.c", "#include <Python.h>\n"),
    ("enclave/asgi/x.c", '#include "enclave/python/python.h"\n'),
    ("enclave/main.c", '#include "enclave/wsgi/wsgi.h"\n'),
])
def test_layers_accept(tmp_path, relative, content):
    result = run("check-layers", tree(tmp_path, relative, content))
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("content, wanted", [
    ("void f(char *a) { strcpy(a, b); }\n", "src/net/x.c:2: 'strcpy' is banned"),
    ("int f(void) { return atoi(x); }\n", "use number_parse_*"),
    ("int f(void) { return fork(); }\n", "use spawn_start"),
    ("/* TODO */\n", "sounds unfinished"),
    ("void f(void)\n{\n" + "\tg();\n" * 120 + "}\n", "'f' has 123 lines, at most 100"),
    ("\n" * 900, "lines, at most 800"),
    ("int idle(void);\nint idle(void)\n{\n\treturn 0; /* idle() */\n}\n", "src/net/x.c:3: nobody calls 'idle'"),
    ('#include "net/b.h"\n#include "base/a.h"\n', "src/net/x.c:3: 'base/a.h' is behind 'net/b.h': sort the block"),
], ids=["copy", "number", "process", "unfinished", "long function", "long file", "dead function", "order"])
def test_source_refuses(tmp_path, content, wanted):
    result = run("check-source", tree(tmp_path, "net/x.c", content))
    assert result.returncode == 1
    assert wanted in result.stdout


def test_source_looks_at_code_only(tmp_path):
    content = '/* strcpy(a, b) */\nconst char *t = "system(x)";\nstatic int g(struct s *s) { return s->random(1); }\n'
    result = run("check-source", tree(tmp_path, "net/x.c", content))
    assert result.returncode == 0, result.stdout


def test_source_wants_the_licence_line(tmp_path):
    path = tmp_path / "src" / "net" / "x.c"
    path.parent.mkdir(parents=True)
    path.write_text("int x;\n")
    assert "licence line" in run("check-source", tmp_path).stdout


@pytest.mark.parametrize("content, status, wanted", [
    ("int x;\n", 0, "clang: 1 files, 0 wrong"),
    ("int f(void);\nint f(void)\n{\n\tint unused;\n\treturn 0;\n}\n", 1, "unused variable"),
    ("int f(\n", 1, "clang: 1 files, 1 wrong"),
], ids=["clean", "warning", "error"])
def test_clang_reads_every_file(tmp_path, content, status, wanted):
    """As meson leaves a build folder; what the compiler would have written is not there afterwards."""
    (tmp_path / "x.c").write_text(content)
    (tmp_path / "build.ninja").write_text("")
    (tmp_path / "compile_commands.json").write_text(json.dumps([{
        "directory": str(tmp_path), "file": "x.c", "command": "clang -Wall -MD -MQ x.o -MF x.d -o x.o -c x.c"}]))
    result = run("check-clang", tmp_path)
    assert result.returncode == status and wanted in result.stdout, result
    assert sorted(path.name for path in tmp_path.glob("x*")) == ["x.c"]


def test_coverage_tells_the_verifier_apart(tmp_path):
    def file(name, lines, branches):
        return {"filename": name, "line_covered": lines, "line_total": 10, "branch_covered": branches, "branch_total": 10}
    summary = tmp_path / "coverage.json"
    summary.write_text(json.dumps({"files": [file("src/attest/sgx.c", 10, 9), file("src/format/sgx_report.c", 9, 8),
                                             file("src/format/toml.c", 5, 5), file("src/net/http.c", 1, 0)]}))
    result = subprocess.run([ROOT / "tools" / "coverage-summary", summary], capture_output=True, text=True)
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "src/format 20 lines 70.0 % 20 branches 65.0 %" in rows
    assert "src/format/sgx_report.c 10 lines 90.0 % 10 branches 80.0 %" in rows
    assert "the verifier and its formats 20 lines 95.0 % 20 branches 85.0 %" in rows
    assert not any(row.startswith("src/format/toml.c") for row in rows)
