# SPDX-License-Identifier: Apache-2.0
"""What the application writes is its owner's: all of it, in any form, to its last moment, and nobody else's."""
import hashlib
import os
import pathlib
import re
import signal

import pytest

import testenclave

APP = """
import ctypes, os, sys, threading, time
libc = ctypes.CDLL(None)
def app(environ, start_response):
    start_response("200 OK", [])
    exec(WHAT[environ["PATH_INFO"]])
    return [b"done"]
WHAT = {"/": "pass"}
"""


def only_known_lines(enclave):
    """Whatever the host may read is the runtime's own line or sealed."""
    lines = enclave.log_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"mse-enclave: .*|mse-log-1 [A-Za-z0-9+/]+=*", line)] == []


def running(build, **what):
    code = APP + f"WHAT.update({ {'/' + name: text for name, text in what.items()} !r})\n"
    return testenclave.Enclave(build, {"app.py": code}).run()


def failing(build, code):
    """Provisioned, and ended by what its import does: (enclave, exit code)."""
    enclave = testenclave.Enclave(build, {"app.py": APP + code})
    enclave.start()
    assert enclave.provision().status == 200
    return enclave, enclave.wait_exit()


def ask_without_answer(enclave, path):
    with pytest.raises(OSError):
        enclave.get(path)
    return enclave.wait_exit()


def test_what_c_code_left_in_its_buffer(build):
    with running(build, c="libc.puts(b'left in a buffer of C')") as enclave:
        assert enclave.get("/c").text == "done"
        assert enclave.stop() == 0
        assert "left in a buffer of C\n" in enclave.app_log()
        only_known_lines(enclave)


NATIVE_WRITER = """
items = ctypes.create_string_buffer(b"clearly\\0" * 1_000_000)
def write_on():
    libc.qsort(items, ctypes.c_size_t(1_000_000), ctypes.c_size_t(8), libc.puts)
threading.Thread(target=write_on, daemon=True).start()
print("began")
"""


@pytest.mark.parametrize("end, code", [("raise RuntimeError('no')", 3), ("os._exit(7)", 7)])
def test_native_threads_that_write_while_it_ends(build, end, code):
    """C code that writes without ever asking Python: it neither holds up the end nor gets past the seal."""
    enclave, seen = failing(build, NATIVE_WRITER + end)
    with enclave:
        assert seen == code
        assert "began" in enclave.app_log()
        only_known_lines(enclave)


@pytest.mark.parametrize("code", ["print('last words', end='')\nos._exit(7)",
                                  "threading.Thread(target=lambda: (print('last words'), os._exit(7))).start()\n"
                                  "time.sleep(600)",
                                  "import importlib.util as u\nfresh = u.module_from_spec(u.find_spec('posix'))\n"
                                  "fresh.__spec__.loader.exec_module(fresh)\nprint('last words', end='')\nfresh._exit(7)"])
def test_os_exit_while_it_loads(build, code):
    enclave, seen = failing(build, code)
    with enclave:
        assert seen == 7
        assert "last words" in enclave.app_log()
        only_known_lines(enclave)


@pytest.mark.parametrize("what", ["sys.stderr = None", "sys.stderr = sys.__stderr__ = io.StringIO()", "os.close(2)",
                                  "os.close(1)\nos.close(2)", "os.dup2(os.open('/dev/null', os.O_WRONLY), 2)",
                                  "contextlib.redirect_stderr(io.StringIO()).__enter__()", "io.open = None",
                                  "sys.excepthook = None"])
def test_the_owner_reads_why_an_import_fails(build, what):
    """Wherever the application has put its standard error by then."""
    enclave, seen = failing(build, f"import contextlib, io, os, sys\n{what}\nraise ValueError('the reason')")
    with enclave:
        assert seen == 3
        assert enclave.app_log().count("ValueError: the reason\n") == 1 and "Traceback" in enclave.app_log()
        only_known_lines(enclave)


def test_os_exit_in_a_request(build):
    with running(build, bye="print('x' * 100_000, 'last words', end=''); os._exit(7)") as enclave:
        assert ask_without_answer(enclave, "/bye") == 7
        assert enclave.app_log().endswith("x last words")
        only_known_lines(enclave)


@pytest.mark.parametrize("how, number, text", [
    ("print('last words', end='')\nctypes.string_at(8)", signal.SIGSEGV, "Fatal Python error: Segmentation fault"),
    ("print('last words', end='')\nos.abort()", signal.SIGABRT, "Fatal Python error: Aborted"),
])
def test_a_crash_is_shown_with_its_traceback(build, how, number, text):
    enclave, seen = failing(build, how)
    with enclave:
        assert seen == -number
        assert "last words" in enclave.app_log() and text in enclave.app_log()
        assert re.search(r'app/app\.py", line \d+ in <module>', enclave.app_log())
        only_known_lines(enclave)
    with running(build, crash=how) as enclave:
        assert ask_without_answer(enclave, "/crash") == -number
        assert "last words" in enclave.app_log() and text in enclave.app_log()
        only_known_lines(enclave)


def test_a_stop_while_it_loads(build):
    enclave, seen = failing(build, "print('last words', end='')\nos.kill(os.getpid(), 15)\ntime.sleep(600)")
    with enclave:
        assert seen == 0
        assert enclave.app_log() == "last words"


def test_binary_output_arrives_as_it_is(build):
    code = """
import hashlib, pathlib
data = os.urandom(8) + bytes(range(256)) * 1000 + b"\\xff" * 40_000 + b"\\xf0\\x9f\\x98" * 20_000
for at in range(0, len(data), 30_001):
    os.write(1, data[at:at + 30_001])
pathlib.Path(os.environ["HOME"], "sha").write_text(hashlib.sha256(data).hexdigest())
"""
    with testenclave.Enclave(build, {"app.py": APP + code}) as enclave:
        enclave.run()
        enclave.stop()
        wanted = (enclave.dir / "home/sha").read_text()
        assert hashlib.sha256(enclave.app_log_bytes()).hexdigest() == wanted
        only_known_lines(enclave)


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def test_much_output_costs_no_memory_and_blocks_nobody(build):
    talk = "for n in range(2000): print(n, 'x' * 10_000)"
    with running(build, talk=talk) as enclave:
        enclave.get("/")
        before = resident_kib(enclave.process.pid)
        assert enclave.get("/talk").text == "done"
        assert resident_kib(enclave.process.pid) - before < 4096
        enclave.stop()
        assert enclave.app_log().count("x" * 10_000 + "\n") == 2000


def test_a_host_that_stops_reading_blocks_nobody(build):
    """The log is a pipe that nobody reads from: requests that talk are answered, memory stays, the stop is in time."""
    code = APP + "WHAT['/talk'] = 'for n in range(400): print(n, \"x\" * 10_000)'\n"
    with testenclave.Enclave(build, {"app.py": code}) as enclave:
        reader, writer = os.pipe()
        enclave.log_to = writer
        enclave.start()
        os.close(writer)
        assert enclave.provision().status == 200
        enclave.wait(lambda: enclave.get("/").text == "done")
        assert enclave.get("/talk").text == "done"
        before = resident_kib(enclave.process.pid)
        for _ in range(5):
            assert enclave.get("/talk").text == "done"
        assert resident_kib(enclave.process.pid) - before < 2048
        assert enclave.stop() == 0
        os.close(reader)


STUCK = """
def hold():
    libc.flockfile(ctypes.c_void_p.in_dll(libc, "stdout"))
    held.set()
    time.sleep(600)
held = threading.Event()
threading.Thread(target=hold, daemon=True).start()
held.wait()
"""


def test_a_thread_that_keeps_the_standard_output_of_c(build):
    """One that prints all the time hardly ever lets go of it: neither the report nor the end wait for that."""
    enclave, seen = failing(build, STUCK + "raise RuntimeError('no')")
    with enclave:
        assert seen == 3
        assert "Traceback" in enclave.app_log() and "RuntimeError: no\n" in enclave.app_log()
