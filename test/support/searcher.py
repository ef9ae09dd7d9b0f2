# SPDX-License-Identifier: Apache-2.0
"""An application that searches all that Python can reach for secrets that it is told of only masked, so that what it
finds cannot be what it was told. Runs in the enclave: nothing of the tests can be imported."""
import base64
import json

MASK = bytes(byte ^ 0x5A for byte in range(256))

APP = '''
import gc, json, os, sys, types
MASK = bytes(byte ^ 0x5A for byte in range(256))
CONTROL = {"planted": (lambda where: lambda: where)(["%s"])}

def forms(item):
    """The bytes that an object of Python's own consists of."""
    if isinstance(item, str):
        return item.encode("utf-8", "surrogatepass")
    if isinstance(item, int):
        size = (item.bit_length() + 7) // 8
        return abs(item).to_bytes(size, "big") + abs(item).to_bytes(size, "little") if size > 12 else b""
    try:
        return bytes(memoryview(item)) if not isinstance(item, types.ModuleType) else b""
    except TypeError:
        return b""

def roots():
    yield from gc.get_objects()
    yield from sys.modules.values()
    for frame in sys._current_frames().values():
        while frame:
            yield from (frame, frame.f_locals, frame.f_globals, frame.f_builtins, frame.f_code)
            frame = frame.f_back

def everything():
    """Every object that is reachable from what the collector knows, each once."""
    seen, stack = set(), list(roots())
    own = {id(seen), id(stack)}
    while stack:
        item = stack.pop()
        if id(item) in seen or id(item) in own:
            continue
        seen.add(id(item))
        yield item
        stack.extend(gc.get_referents(item))

def found_in(data, masked):
    data = data.translate(MASK)
    return [name for name, forms in masked.items() if any(form in data for form in forms)]

def search_objects(masked):
    count, found = 0, []
    for item in everything():
        count += 1
        data = forms(item)
        if len(data) >= 16:
            found += [f"{name} in a {type(item).__name__}" for name in found_in(data, masked)]
    return count, found

def walk(tops):
    for top in tops:
        try:
            yield from os.walk(top)
        except PermissionError:
            continue  # the audit hook's: one of the runtime's own

def search_files(masked, tops):
    count, found = 0, []
    for folder, _, names in walk(tops):
        for path in (os.path.join(folder, name) for name in names):
            try:
                with open(path, "rb") as file:
                    data = file.read()
            except OSError:
                continue
            count += 1
            found += [f"{name} in {path}" for name in found_in(data, masked)]
    return count, found

def search_environment(masked):
    data = json.dumps(dict(os.environ)).encode() + b"|".join(k + b"=" + v for k, v in os.environb.items())
    data += " ".join(sys.argv + sys.orig_argv).encode()
    return len(os.environ), found_in(data, masked)

def search(body):
    masked = {name: [bytes.fromhex(form) for form in forms] for name, forms in body["masked"].items()}
    return {"objects": search_objects(masked), "files": search_files(masked, body["tops"]),
            "environment": search_environment(masked), "variables": dict(os.environ)}
'''

WSGI = '''
def app(environ, start_response):
    if environ["REQUEST_METHOD"] != "POST":
        start_response("200 OK", [])
        return []
    answer = json.dumps(search(json.load(environ["wsgi.input"])))
    start_response("200 OK", [])
    return [answer.encode()]
'''

ASGI = '''
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message["more_body"]
    answer = json.dumps(search(json.loads(body)))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": answer.encode()})
'''


def code(interface, control):
    return APP % control + {"wsgi": WSGI, "asgi": ASGI}[interface]


def masked_forms(secret):
    """The secret as it is, reversed, and as texts that programs make of it; masked, in hex."""
    plain = [secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode()]
    plain += [encode(secret[skip:])[:-4] for encode in (base64.b64encode, base64.urlsafe_b64encode) for skip in range(3)]
    return [form.translate(MASK).hex() for form in plain]


def request(secrets, tops):
    return json.dumps({"masked": {name: masked_forms(secret) for name, secret in secrets}, "tops": [str(top) for top in tops]})
