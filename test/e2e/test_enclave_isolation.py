# SPDX-License-Identifier: Apache-2.0
"""What the application cannot reach, and what the program does not hold (attached-channel.md G1, G3; section 11, 25, 26)."""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import urllib.parse

import pytest

import sealedblob
import testenclave

# The application tries what the query says and answers with the exception's name, or what it got.
PROBE = """
import ctypes, json, os, pathlib, shutil, socket, subprocess, sys, urllib.parse
def tried(code, where):
    try:
        return repr(eval(code, globals(), where))
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
def seqpackets():
    found = []
    for number in range(3, 1024):
        try:
            probe = socket.socket(fileno=number)
        except OSError:
            continue
        if probe.type == socket.SOCK_SEQPACKET:
            found.append(number)
        probe.detach()
    return found
def fresh(name):
    from importlib.util import find_spec, module_from_spec
    spec = find_spec(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
def elsewhere(code):
    # In an interpreter of its own: what the expression raises.
    import _xxsubinterpreters as interpreters
    ours, theirs = os.pipe()
    interpreters.run_string(interpreters.create(),
        "import os\\ntry:\\n  said = repr(" + code + ")\\nexcept BaseException as error:\\n"
        "  said = type(error).__name__ + ': ' + str(error)\\nos.write(%d, said.encode())" % theirs)
    return os.read(ours, 1000).decode()
FORK_EXEC = ([b'true'], [b'/bin/true'], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, True, False, 0, None, None, None,
             -1, None, True)
class Fickle:
    # A path that is another one when it is asked again.
    def __init__(self, *paths):
        self.paths = list(paths)
    def __fspath__(self):
        return self.paths.pop()
class Number:
    # An int for whoever asks.
    def __init__(self, value):
        self.value = value
    def __index__(self):
        return self.value
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [tried(urllib.parse.unquote(environ["QUERY_STRING"]), {"environ": environ}).encode()]
"""


@pytest.fixture(scope="module")
def probe(build):
    with testenclave.Enclave(build, {"app.py": PROBE}) as enclave:
        enclave.run()
        yield enclave


def ask(enclave, code):
    answer = enclave.get("/?" + urllib.parse.quote(code))
    assert answer.status == 200
    return answer.text


FORK_EXEC = ([b"true"], [b"/bin/true"], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, True, False, 0, None, None,
             None, -1, None, True)
REFUSED = "PermissionError: not available in an enclave"


@pytest.mark.parametrize("code", [
    "open('{state}/sealed.bin', 'rb').read()",
    "open(b'{state}/sealed.bin', 'rb')",
    "pathlib.Path('{state}/sealed.bin').read_bytes()",
    "os.open('{state}/sealed.bin', 0)",
    "os.open('{state}/new', os.O_CREAT | os.O_WRONLY)",
    "os.listdir('{state}')",
    "list(os.scandir('{state}'))",
    "os.chdir('{state}')",
    "os.remove('{state}/sealed.bin')",
    "os.rename('{state}/sealed.bin', '/tmp/x')",
    "os.rename('/tmp/x', '{state}/sealed.bin')",
    "os.link('{state}/sealed.bin', '{home}/link')",
    "os.truncate('{state}/sealed.bin', 0)",
    "shutil.rmtree('{state}')",
    "open('{state}/../state/sealed.bin')",
    "open('{app}/../state/sealed.bin')",
    "open('../state/sealed.bin')",
    "[os.symlink('{dir}', '{home}/way'), open('{home}/way/state/sealed.bin')]",
    "open('{instance}/instance.json')",
    "open('{code}/app.py.enc')",
    "open('/dev/attestation/quote')",
    "open('/dev/attestation/user_report_data', 'wb')",
    "open('/dev/attestation/keys/_sgx_mrenclave')",
    "os.listdir('/dev/attestation')",
    "os.listdir('/sys/kernel/config/tsm')",
    "open('/proc/self/mem', 'rb')",
    "open('/proc/%d/mem' % os.getpid(), 'rb')",
    "open('/proc/thread-self/mem', 'rb')",
    "open('/proc/self/task/%d/mem' % os.getpid(), 'rb')",
    "os.listdir('/proc/self/task')",
    "open('/proc/self/fd/3', 'rb')",
    "os.open('proc/self/mem', 0, dir_fd=os.open('/', 0))",
    "os.open('state/sealed.bin', 0, dir_fd=os.open('{dir}', 0))",
    "os.remove('app.sock', dir_fd=os.open('{dir}/run', 0))",
    "os.rename('state', 'moved', src_dir_fd=os.open('{dir}', 0), dst_dir_fd=os.open('{dir}', 0))",
    "os.rename('x', 'state/x', src_dir_fd=os.open('{home}', 0), dst_dir_fd=os.open('{dir}', 0))",
    "os.link('state/sealed.bin', 'hard', src_dir_fd=os.open('{dir}', 0), dst_dir_fd=os.open('{home}', 0))",
    "os.symlink('x', 'state/link', dir_fd=os.open('{dir}', 0))",
    "os.mkdir('state/new', dir_fd=os.open('{dir}', 0))",
    "os.rmdir('state', dir_fd=os.open('{dir}', 0))",
    "os.chmod('state', 0, dir_fd=os.open('{dir}', 0))",
    "os.chown('state', 0, 0, dir_fd=os.open('{dir}', 0))",
    "os.utime('state', dir_fd=os.open('{dir}', 0))",
    "os.rename('{dir}', '{dir}-moved')",
    "os.rename('{dir}/run', '{dir}/walked')",
    "[os.makedirs('{home}/a/b'), os.chdir('{home}/a/b'), os.symlink('../state/new', '{home}/later'), os.chdir('{app}'), "
    "open('{home}/later', 'w')]",
    "socket.socket(socket.AF_UNIX).bind('{state}/sock')",
    "socket.socket(socket.AF_UNIX).bind(b'{state}/sock')",
    "os.mkfifo('{state}/fifo')",
    "os.mkfifo(path='state/fifo', dir_fd=os.open('{dir}', 0))",
    "os.mkfifo('state/fifo', dir_fd=Number(os.open('{dir}', 0)))",
    "os.mknod('state/node', dir_fd=Number(os.open('{dir}', 0)))",
    "os.mkfifo(Fickle('{home}/harmless', '{state}/fifo'))",
    "fresh('posix').mkfifo('{state}/fifo')",
    "os.mknod('{state}/node')",
    "__import__('sqlite3').connect('file:{state}/sealed.bin?mode=ro', uri=True)",
    "__import__('sqlite3').connect('file://localhost/{state}/%73ealed.bin', uri=True)",
    "open('/proc/self/stat')",
    "os.open('self/mem', 0, dir_fd=os.open('/proc', 0))",
    "os.open('self/maps', 0, dir_fd=os.open('/proc', 0))",
    "os.open('etc/../proc/self/maps', 0, dir_fd=os.open('/', 0))",
    "[os.symlink('/proc/self', '{home}/way2'), os.open('way2/maps', 0, dir_fd=os.open('{home}', 0))]",
    "__import__('_io').FileIO(pathlib.Path('/proc/self/mem'))",
    "__import__('_io').FileIO(Fickle('/tmp/harmless', '/proc/self/mem'))",
    "os.open(bytearray(b'/proc/self/mem'), 0)",
    "os.open(memoryview(b'/proc/self/mem'), 0)",
    "os.fork()",
    "os.forkpty()",
    "os.system('true')",
    "os.execv('/bin/true', ['true'])",
    "os.posix_spawn('/bin/true', ['true'], {{}})",
    "subprocess.run(['true'])",
    "subprocess.getoutput('true')",
    "os.popen('true')",
    "__import__('pty').spawn(['true'])",
    "__import__('multiprocessing').get_context('spawn').Process(target=print).start()",
    "__import__('_posixsubprocess').fork_exec(*FORK_EXEC)",
    "[sys.modules.pop('_posixsubprocess'), __import__('_posixsubprocess').fork_exec(*FORK_EXEC)]",
    "fresh('_posixsubprocess').fork_exec(*FORK_EXEC)",
    "os.chmod('{state}/sealed.bin', 0o644)",
    "os.chown('{state}/sealed.bin', 0, 0)",
    "os.getxattr('{state}/sealed.bin', 'user.x')",
    "os.setxattr('{state}/sealed.bin', 'user.x', b'')",
    "os.listxattr('{state}/sealed.bin')",
    "os.removexattr('{state}/sealed.bin', 'user.x')",
    "os.utime('{state}/sealed.bin')",
    "os.mkdir('{state}/new')",
    "os.rmdir('{state}')",
    "os.symlink('x', '{state}/link')",
    "list(os.walk('{state}'))",
    "list(os.fwalk('{state}'))",
    "shutil.copyfile('{state}/sealed.bin', '/tmp/x')",
    "shutil.move('{state}/sealed.bin', '/tmp/x')",
    "shutil.unpack_archive('{state}/sealed.bin', '/tmp', 'tar')",
    "__import__('sqlite3').connect('{state}/sealed.bin')",
    "ctypes.CDLL('{state}/sealed.bin')",
    "os.remove('{dir}/run/app.sock')",
    "open('/proc/self/environ', 'rb')",
    "open('/proc/self/maps')",
    "open('/proc/self/root/dev/null')",
    "open('/proc/self/cwd/app.py')",
    "open('/sys/kernel/security/x')",
])
def test_refused(probe, code):
    names = {name: probe.dir / name for name in ("state", "home", "app", "instance", "code")}
    assert ask(probe, code.format(dir=probe.dir, **names)).startswith(REFUSED), code
    assert (probe.dir / "state/sealed.bin").exists()


def test_another_interpreter_is_refused_the_same(probe):
    """Modules are made anew in it, from the same definitions; the hook is the process's."""
    assert ask(probe, f"elsewhere(\"__import__('_posixsubprocess').fork_exec(*{FORK_EXEC!r})\")")[1:].startswith(REFUSED)
    assert ask(probe, f"elsewhere(\"open('{probe.dir}/state/sealed.bin')\")")[1:].startswith(REFUSED)
    assert ask(probe, "elsewhere('os.getpid() > 0')") == "'True'"


@pytest.mark.parametrize("code, wanted", [
    ("open(os.environ['MODULE_PATH'] + '/app.py').read(11)", "'\\nimport cty'"),
    ("pathlib.Path('/tmp').exists()", "True"),
    ("open('/proc/self/status').read(5)", "'Name:'"),
    ("open('/proc/meminfo').read(8)", "'MemTotal'"),
    ("open('/dev/null').read()", "''"),
    ("open('/nonexistent')", "FileNotFoundError"),
    ("os.open('app.py', 0, dir_fd=os.open(os.environ['MODULE_PATH'], 0)) > 2", "True"),
    ("os.open(pathlib.Path(os.environ['MODULE_PATH'], 'app.py'), 0) > 2", "True"),
    ("open(pathlib.Path(os.environ['MODULE_PATH'], 'app.py')).read(1)", "'\\n'"),
    ("pathlib.Path(os.environ['HOME'], 'touched').touch()", "None"),
    # Names that only look like the runtime's.
    ("[os.makedirs('data/attestation'), open('data/attestation/x', 'w').write('x')]", "[None, 1]"),
    ("[os.mkdir('attestation'), open('attestation/x.txt', 'w').write('x')]", "[None, 1]"),
    ("[os.mkdir('proc'), open('proc/x', 'w').write('x'), open('mem', 'w').write('x')]", "[None, 1, 1]"),
    ("open('sealed.bin', 'w').write('x')", "1"),
    ("os.rename('mem', 'proc/mem')", "None"),
    ("[os.mkfifo('pipe'), os.mkfifo('pipe2', mode=0o600, dir_fd=os.open('.', 0)), os.remove('pipe')]", "[None, None, None]"),
    ("os.mkfifo()", "TypeError"),
    ("os.mkfifo('nowhere/pipe')", "FileNotFoundError"),
    ("os.mknod(path=b'node', mode=0o600)", "None"),
    ("socket.socket(socket.AF_UNIX).bind('own.sock')", "None"),
    ("socket.socket().bind(('127.0.0.1', 0))", "None"),
    ("[*__import__('sqlite3').connect('file:own%20.db?mode=rwc', uri=True).execute('select 1')]", "[(1,)]"),
    ("os.fdopen(os.dup(1)).fileno() > 2", "True"),
    ("sys.path[0] == os.environ['MODULE_PATH']", "True"),
    ("sys.flags.isolated, sys.flags.no_site, sys.flags.no_user_site, sys.flags.utf8_mode", "(1, 1, 1, 1)"),
    ("[p for p in sys.path[1:] if not p.startswith('/usr/lib/python3')]", "[]"),
    ("sys.flags.dont_write_bytecode", "1"),
])
def test_allowed(probe, code, wanted):
    assert ask(probe, code).startswith(wanted)


def rows_of(root, name):
    """The texts of a table in python_audit.c."""
    source = (root / "src/enclave/python/python_audit.c").read_text()
    return re.findall(r'"([^"]+)"', source.partition(f"{name}[] = {{")[2].partition("};")[0])


def test_every_event_has_its_case(root):
    """Whatever the hook refuses stands among the cases above; what no call of this Python raises is named here."""
    cases = " ".join(mark.args[1] and " ".join(mark.args[1]) for mark in test_refused.pytestmark)
    spelled = {"open": "open(", "os.exec": "os.execv(", "os.spawn": None, "subprocess.Popen": "subprocess.run(",
               "ctypes.dlopen": "ctypes.CDLL(", "os.chflags": None, "os.lockf": None, "pty.spawn": "('pty').spawn(",
               "sqlite3.connect": "('sqlite3').connect(", "socket.bind": ".bind("}
    events = ["open", "sqlite3.connect", *rows_of(root, "path_events")] + rows_of(root, "process_events")
    assert len(events) > 30
    wanted = [spelled.get(event, event + "(") for event in events]
    assert [text for text in wanted if text and text not in cases] == []


# What the audit hook does not see, so that docs/security-model.md says it: the test fails when that changes.
@pytest.mark.parametrize("code, wanted", [
    ("ctypes.CDLL(None).getenv(b'STATE_PATH') != 0", "True"),
    ("os.stat('{state}/sealed.bin').st_size > 0", "True"),
    ("os.path.exists('{state}/sealed.bin')", "True"),
    ("os.readlink('{home}/way')", "'{dir}'"),
    # A statement of SQL opens files too.
    ("[c := __import__('sqlite3').connect(':memory:'), c.execute(\"attach '{state}/sealed.bin' as s\"), "
     "c.execute('select * from s.sqlite_master')]", "DatabaseError: file is not a database"),
    ("ctypes.CDLL(None).open(b'{state}/sealed.bin', 0) > 2", "True"),
    ("type(eval(compile('1', '', 'eval').replace(co_consts=(2,))))", "<class 'int'>"),
    ("len(gc_objects()) > 1000", "True"),
])
def test_what_the_hook_does_not_see(probe, code, wanted):
    names = {name: probe.dir / name for name in ("state", "home")} | {"dir": probe.dir}
    if not (probe.dir / "home/way").is_symlink():
        (probe.dir / "home/way").symlink_to(probe.dir)
    code = code.replace("gc_objects()", "__import__('gc').get_objects()")
    assert ask(probe, code.format(**names)) == wanted.format(**names)


# Nothing but the standard library: a buffer that was freed under a view of it, and a bytearray made of bytes.
MEMORY = """
import io, struct
kept = []
class Keeper(io.RawIOBase):
    def readinto(self, buffer):
        kept.append(buffer)
        return 1
    def readable(self):
        return True
reader = io.BufferedReader(Keeper(), 8192)
reader.read(1)
del reader
view = kept[0].cast("P")
slots = [None] * len(view)
fake = struct.pack("<qQqqQQq", 10, id(bytearray), 2**63 - 1, 2**63 - 1, 0, 0, 0)
text = "not tried"
if view[1] == id(None):
    view[1] = id(fake) + 32
    memory = slots[1]
    name = int.from_bytes(memory[id(int) + 24:id(int) + 32], "little")  # tp_name, a text of C's
    text = memory[name:name + 4].decode()
    view[1] = id(None)
def app(environ, start):
    start("200 OK", [])
    return [repr(text).encode()]
"""


def test_plain_python_reads_all_memory(build):
    """CPython's own memory errors are no part of any promise, so docs/security-model.md says that plain Python is as strong as
    native code. The test fails with a Python that has this one mended: then look for what the model says."""
    with testenclave.Enclave(build, {"app.py": MEMORY}) as one:
        one.run()
        assert one.get().text == repr("int\0")


def test_the_hook_cannot_be_taken_away(probe):
    """A hook of the application's own is only one more."""
    assert ask(probe, "sys.addaudithook(lambda *a: None)") == "None"
    assert ask(probe, f"open('{probe.dir}/state/sealed.bin')").startswith(REFUSED)


def test_no_number_leads_to_the_device(probe):
    """os.write is not audited: so descriptor 3 must not be the TEE's socket, nor any other number."""
    quotes = len(probe.tee.quotes)
    assert ask(probe, "seqpackets()") == "[]"
    # The control: the search finds such a socket when there is one.
    pair = "globals().__setitem__('pair', socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))"
    assert ask(probe, f"[{pair}, len(seqpackets())][1]") == "2"
    assert len(probe.tee.quotes) == quotes


@pytest.mark.parametrize("is_filtered", [False, True], ids=["close_range", "one by one"])
def test_no_descriptor_of_the_host_is_read(build, is_filtered):
    """A forgotten breakpoint() gives nobody a prompt, and what the host left open is closed."""
    with testenclave.Enclave(build, {"app.py": PROBE}) as one:
        if is_filtered:
            one.program = build / "test/support/gramine_like"
            one.argv = ["gramine_like", str(build / "mse-enclave"), "mse-enclave"]
        ours, theirs = os.pipe()
        os.write(theirs, b"import app; app.told = 'by the host'\nc\n" * 100)
        one.more_descriptors = {0: ours, 7: ours, 200: ours}
        one.run()
        assert ask(one, "breakpoint()").startswith("BdbQuit")
        assert ask(one, "input()").startswith("EOFError")
        assert ask(one, "sys.stdin.read(), hasattr(__import__('app'), 'told')") == "('', False)"
        links = set()
        for number in os.listdir(f"/proc/{one.process.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # a connection may end meanwhile
                links.add(os.readlink(f"/proc/{one.process.pid}/fd/{number}"))
        assert os.readlink(f"/proc/{one.process.pid}/fd/0") == "/dev/null"
        assert os.readlink(f"/proc/self/fd/{ours}") not in links
        os.close(ours)
        os.close(theirs)


def test_an_ordinary_server_reads_its_standard_input(build, tmp_path):
    (tmp_path / "asking.py").write_text("import sys\nprint('got', sys.stdin.read())\nraise SystemExit(0)\n")
    done = subprocess.run([build / "mse-enclave", "--plain", "asking:app", "--bind", "127.0.0.1:0"], cwd=tmp_path, input="this",
                          capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("got this\n"), done


PACKAGES = """
import importlib, sys
from importlib.machinery import PathFinder
sys.path.append({more!r})
def tried(name):
    try:
        return type(importlib.import_module(name)).__name__
    except ImportError as error:
        return type(error).__name__
def app(environ, start):
    start("200 OK", [])
    return [repr([tried(name) for name in environ["QUERY_STRING"].split(",")]).encode()]
"""


def test_directories_that_the_host_adds_are_no_packages(build, tmp_path):
    """Every file is measured, which directories there are is not: an empty one is not imported, wherever it is."""
    with testenclave.Enclave(build, {"app.py": PACKAGES.format(more=str(tmp_path)), "own/part/m.py": "x = 1\n"}) as one:
        (one.dir / "code/orjson").mkdir()
        (one.dir / "code/own/added/deep").mkdir(parents=True)
        (tmp_path / "planted/deep").mkdir(parents=True)
        (tmp_path / "spread/part").mkdir(parents=True)
        (tmp_path / "spread/empty").mkdir()
        (tmp_path / "spread/part/m.py").write_text("x = 1\n")
        one.run()
        missing = "orjson,own.added,planted,planted.deep,spread.empty"
        assert set(eval(one.get("/?" + missing).text)) == {"ModuleNotFoundError"}
        assert eval(one.get("/?own.part.m,own,spread,spread.part.m").text) == ["module"] * 4


# Names that change what python3 does, each to something that would show.
PYTHON_VARIABLES = {
    "PYTHONPATH": "{evil}", "PYTHONHOME": "{evil}", "PYTHONSTARTUP": "{evil}/evil.py", "PYTHONUSERBASE": "{evil}",
    "PYTHONPLATLIBDIR": "evil", "PYTHONINSPECT": "1", "PYTHONVERBOSE": "2", "PYTHONDEVMODE": "1", "PYTHONOPTIMIZE": "2",
    "PYTHONHASHSEED": "7", "PYTHONWARNINGS": "error", "PYTHONBREAKPOINT": "evil.function", "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "ascii", "PYTHONTRACEMALLOC": "5", "PYTHONMALLOC": "debug", "PYTHONNODEBUGRANGES": "1",
    "PYTHONPYCACHEPREFIX": "{evil}", "PYTHONCASEOK": "1", "PYTHONDUMPREFS": "1", "PYTHONPROFILEIMPORTTIME": "1",
    "PYTHONWARNDEFAULTENCODING": "1", "PYTHONSAFEPATH": "1", "PYTHONEXECUTABLE": "{evil}/python", "VIRTUAL_ENV": "{evil}",
    "PYTHONASYNCIODEBUG": "1", "LD_LIBRARY_PATH": "{evil}",
}
LOOK = """
import json, sys, os, warnings, tracemalloc
def app(environ, start_response):
    start_response("200 OK", [])
    return [json.dumps({"path": sys.path, "flags": list(sys.flags), "prefix": sys.prefix, "warnings": sys.warnoptions,
                        "encoding": sys.stdout.encoding, "trace": tracemalloc.is_tracing(), "cache": sys.pycache_prefix,
                        "evil": [name for name in sys.modules if "evil" in name or "customize" in name],
                        "executable": sys.executable, "loaded": len(sys.modules)}).encode()]
"""


def looked(build, **variables):
    with testenclave.Enclave(build, {"app.py": LOOK, "evil.pth": "import evil\n"}, **variables) as one:
        evil = one.dir / "evil"
        user_site = one.dir / "home/.local/lib/python3.11/site-packages"
        for folder in (evil, evil / "lib/python3.11", evil / "lib/python3.11/site-packages", user_site):
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("sitecustomize", "usercustomize", "evil", "warnings", "codecs", "json"):
                (folder / f"{name}.py").write_text("raise SystemExit('evil')\n")
            (folder / "evil.pth").write_text("import evil\n")
        one.env |= {name: value.format(evil=evil) for name, value in one.env.items() if name in variables}
        one.run()
        return json.loads(one.get().text.replace(str(one.dir), "DIR"))


def test_nothing_of_a_host_changes_python(build):
    """Every PYTHON variable, a user site and .pth files: the interpreter is the same as without them. (A measured
    environment may hold such names too, and has no more effect.)"""
    assert looked(build, **PYTHON_VARIABLES) == looked(build)


def memory_of(pid):
    """All readable memory of a process (as root)."""
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps.splitlines():
            span, mode = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if "r" in mode and "[v" not in line:
                memory.seek(start)
                try:
                    yield memory.read(end - start)
                except OSError:
                    continue


@pytest.mark.skipif(os.getuid() != 0, reason="reads another process's memory: root only")
def test_keys_and_secrets_are_wiped_from_memory(build):
    """While the application runs, neither the request nor what was in it is in memory: not the code key, as text or as
    bytes, nor a secret that the application did not read, nor the key that opens sealed secrets. The same after a restart from the sealed state."""
    secret = os.urandom(20).hex()
    with testenclave.Enclave(build, {"app.py": PROBE}) as enclave:
        enclave.run(app_secrets={"password": secret})
        x25519 = dict(sealedblob.of_enclave(enclave))["X25519 key"]
        assert len(x25519) == 32
        for _ in range(2):
            ask(enclave, "open('/dev/null').read()")
            memory = b"".join(memory_of(enclave.process.pid))
            assert enclave.uuid.encode() in memory, "the search finds what is there"
            assert enclave.code_key.hex().encode() not in memory
            assert enclave.code_key not in memory
            assert secret.encode() not in memory
            assert x25519 not in memory
            enclave.stop()
            enclave.start()
            enclave.wait_running()
        assert ask(enclave, "open(os.environ['SECRETS_PATH']).read()") == repr(f'{{"password":"{secret}"}}')
        assert secret.encode() in b"".join(memory_of(enclave.process.pid)), "now the application has read it"


def test_links_the_least(build):
    """No curl, no database, no archive, no C++: by what the loader is told to load, and by all it then loads."""
    program = build / "mse-enclave"
    needed = subprocess.run(["readelf", "-d", program], check=True, capture_output=True, text=True).stdout
    names = set(re.findall(r"NEEDED.*\[(lib[a-z]+)", needed))
    assert names == {"libjansson", "libssl", "libcrypto", "libsodium", "libpython", "libwslay", "libnghttp",
                     "libc"}, names
    every = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for unwanted in ("curl", "sqlite", "archive", "stdc++", "toml", "ldap", "ssh", "gnutls"):
        assert unwanted not in every
    assert "RPATH" not in needed and "RUNPATH" not in needed


# ---- G1: the RA-TLS key signs its certificate and TLS, nothing else ----

def symbols(archive, member, *options):
    """Names in one object of a static library."""
    with_dir = archive.with_suffix(".a.p") / (member + ".o")
    text = subprocess.run(["nm", *options, with_dir], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in text.splitlines() if line.strip()}


def test_the_key_object_exports_nothing_that_signs(build):
    library = build / "src/enclave/libenclave.a"
    exported = symbols(library, "attested_ratls_key.c", "-g", "--defined-only")
    assert {name for name in exported if not name.startswith(("__", "_GLOBAL"))} == {
        "ratls_key_generate", "ratls_key_save", "ratls_key_load", "ratls_key_make_certificate",
        "ratls_key_install_in_tls", "ratls_key_wipe"}
    wanted = symbols(library, "attested_ratls_key.c", "-u")
    assert "p256_sign_raw" not in wanted and "x509_build" in wanted


def test_no_other_object_of_the_runtime_touches_private_keys(build):
    own = sorted(path for lib in ("libenclave.a.p", "libenclave_python.a.p", "mse-enclave.p")
                 for path in (build / "src/enclave" / lib).glob("*.o"))
    assert len(own) > 15
    for path in own:
        if path.name == "attested_ratls_key.c.o":
            continue
        text = subprocess.run(["nm", "-u", path], check=True, capture_output=True, text=True).stdout
        used = {line.split()[-1] for line in text.splitlines() if line.strip()}
        assert not {name for name in used if name.startswith(("p256_", "x509_build", "EVP_", "ECDSA_", "SSL_"))}, path
        if path.name != "attested_sealed_state.c.o":
            assert "ratls_key_save" not in used, path
