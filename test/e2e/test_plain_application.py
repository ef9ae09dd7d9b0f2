# SPDX-License-Identifier: Apache-2.0
"""mse-serve MODULE:APP: factories, callables of no interface, names that are nearly right, virtual environments."""
import re
import subprocess

import pytest
from plainserver import PlainServer

WSGI = "def app(environ, start):\n    start('200 OK', [])\n    return [b'served']\n"
ASGI = """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("none")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"served"})
"""


def made(text):
    """A factory of that application."""
    return "def create_app(config=None):\n" + "".join(f"    {line}\n" for line in text.strip().splitlines()) + "    return app\n"


@pytest.fixture
def serve(build):
    started = []

    def run(text, *options, application="app:app", **settings):
        started.append(PlainServer(build, {"app.py": text}, *options, application=application, **settings))
        return started[-1]

    yield run
    for server in started:
        server.remove()


def fails(server, code):
    assert server.start(wait=False).exit() == code, server.messages()
    return server.messages()


@pytest.mark.parametrize("application, options", [("app:create_app()", ()), ("app:create_app", ("--factory",))])
def test_factories(serve, application, options):
    assert serve(made(WSGI), *options, application=application).start().get().text == "served"
    server = serve(made(ASGI), *options, application=application).start()
    assert " is served (asgi)" in server.messages() and server.get().text == "served"


@pytest.mark.parametrize("text, options, said", [
    (made(WSGI), (), "TypeError: 'app:create_app' takes no arguments: is it a factory? Then say --factory"),
    ("def create_app():\n    return 7\n", ("--factory",), "what is made by 'app:create_app' is of type 'int'"),
    ("def create_app():\n    raise RuntimeError('in it')\n", ("--factory",), "RuntimeError: in it"),
    ("def create_app(a, b, c, d):\n    pass\n", (), "takes neither (environ, start_response) of WSGI nor (scope, receive, send)"),
    ("def create_app(a, b, *, c):\n    pass\n", (), "takes neither (environ, start_response) of WSGI"),
    ("class create_app:\n    def __init__(self, scope):\n        pass\n    async def __call__(self, receive, send):\n        pass\n",
     (), "takes one argument: an application of ASGI 2 is not served"),
    (ASGI.replace("def app", "def create_app"), ("--interface", "wsgi"), "takes the arguments of ASGI, and is to be served as WSGI"),
    (WSGI.replace("def app", "def create_app"), ("--interface", "asgi"), "takes the arguments of WSGI, and is to be served as ASGI")],
    ids=["factory", "number", "raises", "four", "keyword", "asgi2", "asgi", "wsgi"])
def test_what_cannot_be_called_is_refused_at_the_start(serve, text, options, said):
    assert said in fails(serve(text, *options, application="app:create_app"), 3)


@pytest.mark.parametrize("text", [
    "class App:\n    def __call__(self, environ, start):\n        start('200 OK', [])\n        return [b'served']\napp = App()\n",
    "class App:\n    def get(self, environ, start):\n        start('200 OK', [])\n        return [b'served']\napp = App().get\n",
    "class app:\n    def __init__(self, environ, start):\n        start('200 OK', [])\n    def __iter__(self):\n        yield b'served'\n",
    "import functools\ndef inner(x, environ, start):\n    start('200 OK', [])\n    return [b'served']\napp = functools.partial(inner, 1)\n",
    "def app(*args, **kw):\n    args[1]('200 OK', [])\n    return [b'served']\n",
    "def app(environ, start, more=None):\n    start('200 OK', [])\n    return [b'served']\n"],
    ids=["instance", "method", "class", "partial", "stars", "default"])
def test_all_kinds_of_callables_are_served(serve, text):
    assert serve(text, "--interface", "wsgi").start().get().text == "served"


@pytest.mark.parametrize("application, said", [
    ("app", "is it 'app:app' or 'app:application'?"), ("app.py:app", "is it 'app:app'?"), ("pkg/main:app", "is it 'pkg.main:app'?"),
    ("pkg/main.py", "is it 'pkg.main:app' or"), ("app:create_app('x')", "a factory is called without arguments"),
    ("app:app[0]", "expected 'module:variable'\n"), ("", "expected 'module:variable'")])
def test_names_that_are_nearly_right(serve, application, said):
    assert said in fails(serve(WSGI, application=application), 2)


def test_what_the_module_has_instead(serve):
    text = "from wsgiref.util import guess_scheme\nimport json\nNUMBER = 1\nclass Other: pass\n" + \
           WSGI.replace("def app", "def application") + made(WSGI)
    said = fails(serve(text), 3)
    assert "AttributeError: module 'app' has no variable 'app': it has application, create_app\n" in said
    assert "no variable 'app'\n" in fails(serve("NUMBER = 1\n"), 3)


def test_an_error_behind_a_missing_name_is_shown(serve):
    said = fails(serve("def __getattr__(name):\n    return NUMBER.wrong\nNUMBER = 1\n"), 3)
    assert "AttributeError: 'int' object has no attribute 'wrong'" in said and 'app.py", line 2' in said
    assert "has no variable 'app'" in said


def test_ipv6_without_brackets(serve):
    assert "'::1:8000': an IPv6 address goes in brackets, as in '[::1]:8000'" in fails(serve(WSGI, bind="::1:8000"), 2)


# ---- the command line ----

@pytest.mark.parametrize("option, said", [
    ("--host", "here it is '--bind HOST:PORT'"), ("-k", "unknown option '-k': not needed: WSGI or ASGI is found out"), ("--certfile=x", "unknown option '--certfile': here it is '--cert'"),
    ("--acces-log", "did you mean '--access-log'?"), ("--worker", "did you mean '--workers'?"), ("--worse-than-that", "see --help"),
    ("--" + 100 * "x", "unknown option '--xxx")])
def test_unknown_options_get_a_hint(serve, option, said):
    assert said in fails(serve(WSGI, option), 2)


def test_short_options(serve):
    server = serve(WSGI, "-w", "1", "-b", "unix:s").start()
    assert "listening on unix:s" in server.messages()


@pytest.mark.parametrize("options, said", [
    (("--app-dir", "/nowhere"), "'--app-dir': cannot enter '/nowhere'"), (("--app-dir", "/etc/passwd"), "'/etc/passwd' is no directory"),
    (("--app-dir", ".", "--cert", "x.pem", "--key", "x.pem", "--workers", "2"), "'--cert' and '--key': cannot open '"),
    (("--app-dir", ".", "--access-log-file", "no/such/x.log", "--workers", "2"), "'--access-log-file': cannot open '")])
def test_what_is_wrong_is_said_before_it_listens(serve, options, said):
    server = serve(WSGI)
    at = server.argv.index("--app-dir")
    server.argv[at:at + 2] = options
    told = fails(server, 2)
    assert told.count(said) == 1 and "listening on" not in told


@pytest.mark.parametrize("name", ["nowhere", "nowhere.deep", "package.nowhere"])
def test_a_module_that_is_not_there(serve, name):
    server = serve(WSGI, application=f"{name}:app")
    server.write({"package/__init__.py": ""})
    assert f"there is no module '{name.partition('.deep')[0]}' in '{server.code}' ('--app-dir')\n" in fails(server, 3)


# ---- virtual environments ----

@pytest.fixture
def venv(tmp_path):
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", tmp_path / "v"], check=True, timeout=30)
    (tmp_path / "v/lib/python3.11/site-packages/onlyv.py").write_text("NAME = b'of the environment'\n")
    return tmp_path / "v"


USES = "import onlyv\ndef app(environ, start):\n    start('200 OK', [])\n    return [onlyv.NAME]\n"


def test_venv(serve, venv):
    assert serve(USES, "--venv", venv).start().get().text == "of the environment"
    assert serve(USES, "--venv", venv, env={"VIRTUAL_ENV": "/nowhere"}).start().get().text == "of the environment"
    assert serve(USES, env={"VIRTUAL_ENV": str(venv)}).start().get().text == "of the environment"


def test_what_cannot_be_used_is_said(serve, venv, tmp_path):
    said = fails(serve(USES, env={"VIRTUAL_ENV": "/nowhere"}), 3)
    assert "VIRTUAL_ENV is not used: cannot find '/nowhere'" in said
    assert "No module named 'onlyv'" in said
    assert "module 'onlyv' is missing for /usr/bin/python3, no virtual environment (--venv)" in said
    assert "'--venv': cannot find '/nowhere'" in fails(serve(USES, "--venv", "/nowhere"), 2)
    assert f"'--venv': '{tmp_path}' is no virtual environment: no pyvenv.cfg in it" in fails(serve(USES, "--venv", tmp_path), 2)
    (venv / "lib/python3.11").rename(venv / "lib/python3.12")
    config = venv / "pyvenv.cfg"
    config.write_text(re.sub(r"version = .*", "version = 3.12.1", config.read_text()))
    assert f"'{venv}' is for Python 3.12.1, this server has 3.11" in fails(serve(USES, "--venv", venv), 2)
    assert "is for Python 3.12.1" in fails(serve(USES, env={"VIRTUAL_ENV": str(venv)}), 3)
    (venv / "lib/python3.12").rename(venv / "lib/python3.11")
    assert f"module 'nowhere' is missing for {venv}\n" in fails(serve("import nowhere\n", "--venv", venv), 3)
