# SPDX-License-Identifier: Apache-2.0
"""Millions of mixed requests through single processes of the plain server under ASan, UBSan and LSan; WebSockets for long; a
sample under valgrind.

REQUESTS (default: as many as the minutes allow) is how many lines the access logs have to have in the end; ASAN_BUILD_DIR
(default build-asan) holds the instrumented server, SOAK_BUILD_DIR (default: the same) another one, for what is to be many. All
of it may be stopped for minutes meanwhile (SIGSTOP to the process group). The short twin is test/e2e/test_soak.py.
"""
import multiprocessing
import os
import pathlib
import re
import shutil
import time

import soaking

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASAN = pathlib.Path(os.environ.get("SOAK_BUILD_DIR", os.environ.get("ASAN_BUILD_DIR", ROOT / "build-asan"))).absolute()
REQUESTS = int(os.environ.get("REQUESTS", 0))
GROWTH_MAX = 16 << 20
# Few freed blocks are kept: their memory is not to hide what grows.
SANITIZED = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:quarantine_size_mb=32:malloc_context_size=2", "PYTHONMALLOC": "malloc",
    "LSAN_OPTIONS": f"suppressions={ROOT}/test/support/lsan.supp:print_suppressions=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
# kind, whether over TLS (which has HTTP/2), share of the requests
SERVERS = [("wsgi", True, 0.35), ("asgi", True, 0.35), ("wsgi", False, 0.15), ("asgi", False, 0.15)]
MESSAGES = {"messages", "stream_messages"}
SAMPLE = 24000  # requests under valgrind


def say(text):
    print(f"  {time.strftime('%H:%M:%S')} {text}", flush=True)


def in_processes(jobs):
    """Runs each (arguments of soaking.soak) in a process of its own, since one Python has one core; their results."""
    found, context = [], multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=one, args=(queue, job)) for job in jobs]
    for process in processes:
        process.start()
    for _ in processes:
        found.append(queue.get())
    for process in processes:
        process.join()
    assert not any(isinstance(result, str) for result in found), [result for result in found if isinstance(result, str)]
    return sorted(found, key=lambda result: result["name"])


def one(queue, job):
    try:
        queue.put(soaking.soak(say=say, **job))
    except BaseException as e:  # whatever it is, the parent has to hear of it
        text = repr(e)
        queue.put(f"{job['kind']}, TLS {job['is_tls']}: {text[:300]} ... {text[-3000:]}")


def told(results):
    return ", ".join(f"{r['requests']} {r['name']} ({r['resident'] >> 20} MiB, {r['growth'] / (1 << 20):+.1f} in the second half)"
                     for r in results)


def requests(build, seed, minutes):
    assert (ASAN / "mse-enclave").exists(), f"make check-asan first, or say ASAN_BUILD_DIR: {ASAN}"
    until = time.monotonic() + (minutes * 60 * 0.8 if not REQUESTS else 86400)
    results = in_processes([{"build": ASAN, "kind": kind, "is_tls": is_tls, "seed": seed + i, "until": until, "env": SANITIZED,
                             "wanted": int(REQUESTS * share) or 1 << 40}
                            for i, (kind, is_tls, share) in enumerate(SERVERS)])
    grown = [r for r in results if r["growth"] > GROWTH_MAX]
    assert not grown, told(grown)
    total = sum(r["requests"] for r in results)
    return (f"{total} mixed requests by the access logs ({sum(r['dropped'] for r in results)} gaps in them) through four "
            f"processes under ASan, UBSan and LSan, {total / max(r['seconds'] for r in results):.0f} a second: {told(results)}; "
            "no finding")


def websockets(build, seed, minutes):
    """Nothing but WebSockets, over HTTP/1.1 and HTTP/2, beside connections that idle and drip."""
    until = time.monotonic() + max(minutes * 60, 30)
    results = in_processes([{"build": ASAN, "kind": "asgi", "is_tls": is_tls, "seed": seed, "until": until, "env": SANITIZED,
                             "wanted": 1 << 40, "only": MESSAGES, "threads": 24} for is_tls in (True, False)])
    grown = [r for r in results if r["growth"] > GROWTH_MAX]
    assert not grown, told(grown)
    echoed = {turn: sum(r["counts"].get(turn, 0) for r in results) for turn in sorted(MESSAGES)}
    return (f"{sum(r['requests'] for r in results)} WebSockets under ASan in {results[0]['seconds'] / 60:.0f} minutes, "
            f"{echoed['messages']} messages echoed over HTTP/1.1, {echoed['stream_messages']} over HTTP/2: {told(results)}; "
            "no finding")


# ---- valgrind ----

def own_blocks(text):
    """Blocks of memcheck's report that are not Python's: whose first frame outside of the C library is ours."""
    found = []
    for block in re.split(r"\n==\d+== *\n", text):
        frames = re.findall(r"^==\d+==    (?:at|by) 0x[0-9A-F]+: (.*)$", block, re.M)
        frames = [frame for frame in frames if not re.search(r"vgpreload|vg_replace|/libc\.so", frame)]
        if frames and "libpython" not in frames[0] and "/usr/lib/" not in frames[0]:
            found.append(block)
    return found


def valgrind(build, seed, minutes):
    if not shutil.which("valgrind"):
        return "no valgrind on this machine"
    wrapper = ["valgrind", "--num-callers=24", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]
    wanted = REQUESTS or SAMPLE
    jobs = [{"build": build, "kind": kind, "is_tls": is_tls, "seed": seed, "until": time.monotonic() + 86400, "threads": 4,
             "wanted": int(wanted * share), "env": {"PYTHONMALLOC": "malloc"}, "wrapper": wrapper}
            for kind, is_tls, share in SERVERS]
    results = in_processes(jobs)
    for result in results:
        assert own_blocks(result["messages"]) == [], own_blocks(result["messages"])[0]
    return ("under valgrind " + ", ".join(f"{r['requests']} {r['name']}" for r in results) +
            " requests: no error and nothing lost but by Python")
