# SPDX-License-Identifier: Apache-2.0
"""What an HTTP application sees of asyncio: the same as under uvicorn, which serves it beside the plain server."""
import http.client
import json
import time

import pytest
from plainserver import PlainServer
from uvicornserver import uvicorn

APP = r'''
import asyncio, contextvars, json

imported = contextvars.ContextVar("imported", default="unset")
started = contextvars.ContextVar("started", default="unset")
local = contextvars.ContextVar("local", default="unset")
imported.set("at import")
seen, waiting = {}, {}

async def say(send, what):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(what).encode()})

async def order(scope, receive, send):
    """What runs before what: the loop's callbacks, tasks, and the steps of the request."""
    got, loop = [], asyncio.get_running_loop()
    async def child(name):
        got.append(name + " begins")
        await asyncio.sleep(0)
        got.append(name + " ends")
    loop.call_soon(got.append, "callback")
    task = asyncio.create_task(child("task"))
    got.append("first step")
    got.append((await receive())["type"])
    loop.call_soon(got.append, "second callback")
    await asyncio.sleep(0)
    got.append("second step")
    await asyncio.gather(task, child("gathered"))
    future = loop.create_future()
    loop.call_later(0, future.set_result, "timer")
    got.append(await future)
    await say(send, got)

async def context(scope, receive, send):
    before = local.get()
    local.set(scope["query_string"].decode())
    async def child():
        inherited = local.get()
        local.set("of the child")
        return inherited
    inherited = await asyncio.create_task(child())
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(lambda: future.set_result(local.get()))
    in_thread = await asyncio.to_thread(local.get)
    await receive()
    await asyncio.sleep(0.01)
    await say(send, {"before": before, "after": local.get(), "inherited": inherited, "in a callback": await future,
                     "in a thread": in_thread, "imported": imported.get(), "started": started.get()})

async def task(scope, receive, send):
    tasks = [asyncio.current_task()]
    await asyncio.sleep(0)
    tasks.append(asyncio.current_task())
    await receive()
    tasks.append(asyncio.current_task())
    await asyncio.sleep(0.01)
    tasks.append(asyncio.current_task())
    one = tasks[0]
    await say(send, {"there": one is not None, "same": all(other is one for other in tasks), "done": one.done(),
                     "listed": one in asyncio.all_tasks(), "a Task": isinstance(one, asyncio.Task),
                     "of this loop": one.get_loop() is asyncio.get_running_loop(), "cancelling": one.cancelling(),
                     "of another request": one in waiting.values(), "named": isinstance(one.get_name(), str)})

async def cancel(scope, receive, send):
    """Cancels the request that waits under this name, and tells what became of it."""
    name = scope["query_string"].decode()
    waiting[name].cancel()
    while name in waiting:
        await asyncio.sleep(0.001)
    await say(send, seen.pop(name))

async def ended_when(told):
    await told.wait()
    return "inner ended"

async def waits(scope, receive, send):
    """Waits as the name says until it is cancelled."""
    name = scope["query_string"].decode()
    one, got = asyncio.current_task(), []
    waiting[name] = one
    seen[name] = got
    try:
        if name == "receive":
            await receive()
            await receive()
        elif name == "shield":
            told = asyncio.Event()
            inner = asyncio.ensure_future(ended_when(told))
            try:
                await asyncio.shield(inner)
            finally:
                told.set()
                got.append(await inner)
        elif name == "timeout":
            async with asyncio.timeout(60):
                await asyncio.sleep(60)
        elif name == "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(60))
                group.create_task(asyncio.sleep(60))
        else:
            await asyncio.sleep(60)
    except asyncio.CancelledError:
        got += ["cancelled", one.cancelling()]
        if name != "survives":
            raise
        one.uncancel()
        await asyncio.sleep(0)
        got.append(one.cancelling())
        await say(send, "survived")
    finally:
        del waiting[name]

async def times_out(scope, receive, send):
    got = []
    await receive()
    for wait in (lambda: asyncio.sleep(60)), receive:
        try:
            async with asyncio.timeout(0.01):
                await wait()
        except TimeoutError:
            got.append(asyncio.current_task().cancelling())
        try:
            await asyncio.wait_for(wait(), 0.01)
        except asyncio.TimeoutError:
            got.append("timed out")
    await say(send, got)

async def names(scope, receive, send):
    await say(send, sorted(waiting))

async def gone(scope, receive, send):
    """The client leaves: told by receive, and no cancellation."""
    waiting["gone"] = asyncio.current_task()
    await receive()
    seen["gone"] = [(await receive())["type"], asyncio.current_task().cancelling()]
    await asyncio.sleep(0)
    seen["gone"].append("goes on")

async def left(scope, receive, send):
    await say(send, seen.get("gone"))

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        started.set("at the start")
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    await globals()[scope["path"][1:]](scope, receive, send)
'''


def ask(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    return json.loads(body) if answer.status == 200 else answer.status


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def story(port):
    """{what: what the application saw}; whatever server it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    got = {path: ask(connection, path) for path in ("/order", "/task", "/times_out", "/context?1")}
    got["on the same connection"] = ask(connection, "/context?2")
    for name in ("sleep", "receive", "shield", "timeout", "group", "survives"):
        other = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        other.request("GET", f"/waits?{name}")
        until(lambda: name in ask(connection, "/names"))
        got[f"cancel {name}"] = ask(connection, f"/cancel?{name}")
        answer = other.getresponse()
        got[f"answer of {name}"] = (answer.status, answer.read() if answer.status == 200 else None)
        other.close()
    other = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    other.request("GET", "/gone")
    until(lambda: "gone" in ask(connection, "/names"))
    other.close()
    until(lambda: len(ask(connection, "/left") or []) == 3)
    got["a client that leaves"] = ask(connection, "/left")
    connection.close()
    return got


@pytest.fixture(scope="module")
def stories(build, tmp_path_factory):
    with PlainServer(build, {"app.py": APP}) as server:
        with uvicorn(server.code, tmp_path_factory.mktemp("uvicorn")) as port:
            return story(server.port()), story(port)


def test_an_application_sees_what_it_sees_under_uvicorn(stories):
    ours, theirs = stories
    assert ours == theirs


def test_the_story_tells_something(stories):
    """What is wanted, so that two servers which are wrong in the same way do not pass."""
    ours, _ = stories
    assert ours["/order"][:5] == ["first step", "http.request", "callback", "task begins", "second callback"]
    assert ours["/context?1"]["after"] == ours["/context?1"]["inherited"] == "1"
    assert ours["on the same connection"]["before"] == "unset"
    assert ours["/task"]["same"] and ours["/task"]["listed"] and not ours["/task"]["of another request"]
    assert ours["cancel sleep"] == ["cancelled", 1] and ours["answer of sleep"] == (500, None)
    assert ours["answer of survives"] == (200, b'"survived"')
    assert ours["a client that leaves"] == ["http.disconnect", 0, "goes on"]
