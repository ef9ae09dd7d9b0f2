# SPDX-License-Identifier: Apache-2.0
"""What a start does about the interpreter's memory (src/enclave/python/python_memory.h): no application notices."""
import json
import os
import pathlib
import re

import pytest
from plainserver import PlainServer

COLLECTOR = """
import gc, json, weakref

class Knot:
    pass

def state():
    return {"on": gc.isenabled(), "threshold": gc.get_threshold(), "frozen": gc.get_freeze_count(),
            "objects": len(gc.get_objects()), "knot": knot() is not None}

one = Knot()
one.other = Knot()
one.other.other = one
knot = weakref.ref(one)
before = state()
DO
del one
seen = {"before": before, "loaded": state()}

def answer():
    seen["serving"] = state()
    gc.collect()
    seen["collected"] = state()
    return json.dumps(seen).encode()
"""
ENDS = {
    "wsgi": """
def app(environ, start):
    start("200 OK", [])
    return [answer()]
""",
    "asgi": """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        seen["startup"] = state()
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": answer()})
"""}


def states(build, kind, do=""):
    with PlainServer(build, {"app.py": COLLECTOR.replace("DO", do) + ENDS[kind]}) as server:
        return json.loads(server.get("/").text)


@pytest.mark.parametrize("kind", ENDS)
def test_the_collector_is_as_everywhere(build, kind):
    seen = states(build, kind)
    for name, state in seen.items():
        assert (state["on"], state["threshold"], state["frozen"]) == (True, [700, 10, 10], 0), name
    assert seen["loaded"]["knot"] and not seen["collected"]["knot"], "what an application made while it loaded is collected"
    assert seen["serving"]["objects"] > seen["loaded"]["objects"], "what was loaded since is there to be walked"


@pytest.mark.parametrize("kind", ENDS)
def test_the_collector_stays_as_the_application_left_it(build, kind):
    off = states(build, kind, "gc.disable()")
    assert [state["on"] for state in off.values()] == [True] + [False] * (len(off) - 1)
    other = states(build, kind, "gc.set_threshold(5000, 8, 7)")
    assert all(state["threshold"] == [5000, 8, 7] for name, state in other.items() if name != "before")
    frozen = states(build, kind, "gc.freeze()")
    assert frozen["loaded"]["frozen"] > 1000
    assert frozen["serving"]["frozen"] > 1000, "ours takes nothing from what was frozen"
    assert frozen["collected"]["knot"], "it was frozen too"


def regions(pid):
    """(first address, size in KiB, flags) of each part of a process's memory."""
    text = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    for first, size, flags in re.findall(r"^([0-9a-f]+)-.*?^Size:\s+(\d+).*?^VmFlags: (.*?)$", text, re.M | re.S):
        yield int(first, 16), int(size), flags.split()


@pytest.mark.skipif(not os.path.exists("/sys/kernel/mm/transparent_hugepage"), reason="this kernel has no huge pages to give")
def test_small_objects_lie_in_huge_pages(build):
    """From the start, and none is kept for what comes later."""
    with PlainServer(build, {"app.py": COLLECTOR.replace("DO", "") + ENDS["asgi"]}) as server:
        huge = [(first, size) for first, size, flags in regions(server.process.pid) if "hg" in flags]
        assert sum(size for _, size in huge) >= 2048
        assert all(size % 1024 == 0 for _, size in huge), "whole arenas"
