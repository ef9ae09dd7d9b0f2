# SPDX-License-Identifier: Apache-2.0
"""`make install`: what lands where, that programs find each other there, that others can build with the library."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest
import testcloud

PREFIX = "/usr"
PROGRAMS = ["bin/mse", "bin/mse-bootstrap", "bin/mse-serve", "bin/mse-test", "bin/msed", "libexec/mse/mse-enclave", "libexec/mse/mse-sim", "libexec/mse/mse-sim-init"]
PAGES = ["man1/mse.1", "man1/mse-serve.1", "man3/libmseattest.3", "man5/mse.toml.5", "man5/msed.toml.5", "man8/mse-bootstrap.8", "man8/mse-enclave.8",
         "man8/mse-sim.8", "man8/msed.8", "man3/attest_verify.3", "man3/attest_verify_certificate.3", "man3/attest_policy_parse.3",
         "man3/attest_collateral_new.3", "man3/attest_verdict_json.3"]
DATA = ["include/mse/attest.h", "include/mse/attest_policy.h", "share/mse/policy.schema.json",
        "share/mse/verdict.schema.json", "share/mse/attest-command.schema.json",
        "share/mse/watch-event.schema.json", "lib/systemd/system/msed.service", "lib/sysusers.d/mse.conf",
        "share/bash-completion/completions/mse", "share/zsh/site-functions/_mse",
        "share/fish/vendor_completions.d/mse.fish", "share/bash-completion/completions/mse-serve",
        "share/zsh/site-functions/_mse-serve", "share/fish/vendor_completions.d/mse-serve.fish", "share/doc/mse/LICENSE", "share/doc/mse/README.md",
        "share/doc/mse/NEWS.md", "share/doc/mse/mse-serve.service", "share/doc/mse/operations.md", "share/doc/mse/formats/bill.md",
        *(f"share/man/{page}" for page in PAGES)]
# Pages that only say where their function is explained.
ALIASES = [f"share/man/man3/attest_{name}.3" for name in (
    "collateral_free", "error_text", "needs", "policy_free", "tcb_status_text", "tee_text", "verdict_free", "verdict_text",
    "verify_fresh", "verify_ratls")]
LIBRARY = ["libmseattest.so", "libmseattest.so.0", "libmseattest.so.0.1.0", "pkgconfig/libmseattest.pc"]
USER = 1000


def run(*argv, **options):
    return testcloud.run(argv, **options).stdout


@pytest.fixture(scope="module")
def installed(build, root):
    """The root of an installation under /usr, open to every user. The build folder keeps the prefix that it had."""
    destination = pathlib.Path(tempfile.mkdtemp(prefix="mse-install-"))
    destination.chmod(0o755)
    before = run("meson", "introspect", "--buildoptions", build)
    prefix = re.search(r'"name": "prefix", "value": "([^"]*)"', before)[1]
    make = ["make", "-C", root, "install", f"B={build}", f"DESTDIR={destination}"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    try:
        testcloud.run([*make, f"PREFIX={PREFIX}"], env=env)
    finally:
        testcloud.run(["meson", "configure", build, f"-Dprefix={prefix}"])
        testcloud.run(["ninja", "-C", build])
    yield destination
    shutil.rmtree(destination)


@pytest.fixture(scope="module")
def usr(installed):
    return installed / PREFIX.lstrip("/")


@pytest.fixture(scope="module")
def library_dir(usr):
    return next(usr.glob("lib/**/libmseattest.so")).parent


def test_files(installed, usr, library_dir):
    assert [entry.name for entry in installed.iterdir()] == ["usr"], "nothing lands outside the prefix"
    seen = {str(path.relative_to(usr)) for path in usr.rglob("*") if not path.is_dir()}
    library = {str((library_dir / name).relative_to(usr)) for name in LIBRARY}
    wanted = {*PROGRAMS, *DATA, *ALIASES, *library}
    assert wanted <= seen, sorted(wanted - seen)
    extra = {name for name in seen - wanted if not name.startswith("share/doc/mse/")}
    assert extra == set()
    assert not [name for name in seen if name.endswith(".in")]
    assert all(os.access(usr / name, os.X_OK) for name in PROGRAMS)


def test_programs_answer(usr, build):
    assert run(usr / "bin/mse", "--version") == run(build / "mse", "--version")
    assert run(usr / "bin/msed", "--version") == run(build / "msed", "--version")
    assert run(usr / "libexec/mse/mse-sim", "--version") == run(build / "mse-sim", "--version")


def test_the_server_serves_under_its_own_name(usr, tmp_path):
    (tmp_path / "app.py").write_text("def app(environ, start):\n    start('200 OK', [])\n    return [b'served']\n")
    with subprocess.Popen([usr / "bin/mse-serve", "app:app", "--bind", "unix:s", "--workers", "2"], cwd=tmp_path,
                          stderr=subprocess.PIPE, text=True) as server:
        try:
            while " is served (wsgi)" not in (line := server.stderr.readline()):
                assert line, "it ended"
            assert run("curl", "-sS", "--unix-socket", tmp_path / "s", "http://x/") == "served"
        finally:
            server.terminate()
            server.stderr.read()


def test_measured_program_is_the_built_one(usr, build):
    """Bills that were made with the installed and with the built one must be the same."""
    assert (usr / "libexec/mse/mse-enclave").read_bytes() == (build / "mse-enclave").read_bytes()


def test_no_program_remembers_the_build_folder(usr, library_dir, root):
    for path in [*(usr / name for name in PROGRAMS), library_dir / "libmseattest.so.0.1.0"]:
        assert str(root / "src").encode() not in path.read_bytes(), path
        dynamic = run("readelf", "-d", path)
        assert "RPATH" not in dynamic and "RUNPATH" not in dynamic, path


def pkg_config(usr, library_dir, *args):
    env = {**os.environ, "PKG_CONFIG_PATH": str(library_dir / "pkgconfig")}
    return run("pkg-config", f"--define-variable=prefix={usr}", *args, "libmseattest", env=env).split()


def test_somebody_else_builds_with_the_library(usr, library_dir, root, tmp_path):
    flags = pkg_config(usr, library_dir, "--cflags", "--libs")
    run("gcc", "-std=c11", "-Wall", "-Werror", root / "test/library/consumer.c", "-o", tmp_path / "consumer", *flags)
    assert "libmseattest.so.0" in run("readelf", "-d", tmp_path / "consumer")
    run(tmp_path / "consumer", env={**os.environ, "LD_LIBRARY_PATH": str(library_dir)})
    assert pkg_config(usr, library_dir, "--modversion") == ["0.1.0"]


def test_unit(usr):
    unit = (usr / "lib/systemd/system/msed.service").read_text()
    assert f"\nExecStart={PREFIX}/bin/msed --data-dir /var/lib/mse/cloud\n" in unit and "@" not in re.sub(
        r"@(system-service|mount)", "", unit)
    # Each of these covers a part of /proc, after which no sandbox can have one.
    set_keys = re.findall(r"^(\w+)=", unit, re.MULTILINE)
    assert not {"ProtectKernelTunables", "ProtectKernelLogs", "ProtectHostname", "ProtectProc"} & set(set_keys)


def test_shells_take_the_completions(usr):
    run("bash", "-n", usr / "share/bash-completion/completions/mse")
    run("bash", "-n", usr / "share/bash-completion/completions/mse-serve")
    for shell, name in [("zsh", "zsh/site-functions/_mse"), ("fish", "fish/vendor_completions.d/mse.fish"),
                        ("zsh", "zsh/site-functions/_mse-serve"), ("fish", "fish/vendor_completions.d/mse-serve.fish")]:
        run(shell, "-n", usr / "share" / name)


def test_documents_name_what_is_installed(usr):
    """But what a clone alone has: sources, HACKING.md, tests."""
    home, missing = usr / "share/doc/mse", set()
    for document in [*home.glob("*.md"), *home.glob("*/*.md")]:
        for link in re.findall(r"\]\(([^)#:\s]+)[^)]*\)", document.read_text()):
            if not (document.parent / link).exists():
                missing.add(link)
    assert missing <= {"HACKING.md", "include/mse/attest.h"}
    for page in PAGES:
        for name in re.findall(r"/\S*share/doc/mse/([\w./\\-]*\w)", (usr / "share/man" / page).read_text()):
            assert (home / name.replace("\\-", "-")).exists(), f"{page}: {name}"
        assert " docs/" not in (usr / "share/man" / page).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_pages_format(usr, page):
    done = testcloud.run(["groff", "-man", "-Tutf8", "-ww", "-z", usr / "share/man" / page])
    assert done.stderr == ""


def options_of(text):
    return set(re.findall(r"--[a-z][a-z-]+", text))


def test_pages_name_every_option(build, root):
    page = (root / "man/mse-sim.8").read_text().replace("\\-", "-")
    assert options_of(run(build / "mse-sim", "--help")) <= options_of(page)
    page = (root / "man/mse-serve.1").read_text().replace("\\-", "-")
    assert options_of(run(build / "mse-serve", "--help")) <= options_of(page)
    page = (root / "man/msed.8").read_text().replace("\\-", "-")
    assert options_of(run(build / "msed", "--help")) <= options_of(page) | {"--help", "--version"}


def test_pages_name_every_function(root):
    header = "".join(path.read_text() for path in (root / "include/mse").glob("attest*.h"))
    functions = set(re.findall(r"\b(attest_[a-z_]+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)))
    assert len(functions) > 6
    for function in functions:
        page = (root / f"man/{function}.3").read_text()
        if page.startswith(".so "):
            page = (root / "man" / page.split("/")[1].strip()).read_text()
        assert f"{function}(" in page, f"{function} has no synopsis"


@pytest.fixture(params=["as root", "as msed.service"])
def programs(request, usr, tmp_path):
    """A folder with mse and msed; msed as its unit starts it: no root, but one right, handed on to all children."""
    if request.param == "as root":
        return usr / "bin"
    if os.getuid() != 0:
        pytest.skip("not root: then the other case has an ordinary user")
    (tmp_path / "mse").symlink_to(usr / "bin/mse")
    (tmp_path / "msed").write_text(
        f"#!/bin/sh\nexec setpriv --reuid={USER} --regid={USER} --clear-groups --inh-caps=+net_bind_service "
        f"--ambient-caps=+net_bind_service {usr}/bin/msed \"$@\"\n")
    (tmp_path / "msed").chmod(0o755)
    return tmp_path


def test_an_installed_cloud_runs_an_app(programs, usr, tmp_path):
    """The installed programs alone, by their own ways to each other: image, simulated TEE, deployment, verdict."""
    own = testcloud.Cloud(programs)
    try:
        if programs != usr / "bin":
            shutil.chown(own.folder, USER, USER)
        own.init("--image", "mse-flask:20261122")
        own.start()
        own.trust_and_login()
        own.mse("scaffold", "installed", cwd=tmp_path)
        app = own.mse_json("deploy", cwd=tmp_path / "installed")
        assert (app["status"], app["bill"]) == ("running", "recomputed")
        verdict = own.mse_json("verify", f"{app['domain_name']}:{own.port}", "--fingerprint", app["fingerprint"])
        assert verdict["verdict"] == "accept"
        own.mse("stop", app["id"], "-y")
    finally:
        log = own.log_text()
        left = own.remove()
    assert left == [], log[-3000:]
