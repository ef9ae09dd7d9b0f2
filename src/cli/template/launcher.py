"""Serves one application on the loopback for `mse cloud localtest`: launcher.py PORT MODULE:VARIABLE.

WSGI by the standard library, ASGI by hypercorn or uvicorn, whichever is installed.
"""
import importlib
import inspect
import os
import socketserver
import sys
from wsgiref import simple_server


class Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


def is_asgi(application):
    if inspect.iscoroutinefunction(application):
        return True
    if inspect.isclass(application) or inspect.isfunction(application):
        return False
    return inspect.iscoroutinefunction(getattr(application, "__call__", None))


def serve_asgi(application, port):
    try:
        import uvicorn
        uvicorn.run(application, host="127.0.0.1", port=port, log_level="warning")
        return
    except ImportError:
        pass
    try:
        import asyncio
        from hypercorn.asyncio import serve
        from hypercorn.config import Config
    except ImportError:
        sys.exit("the application is ASGI: install uvicorn or hypercorn (python3-uvicorn) to test it on this machine")
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    asyncio.run(serve(application, config))


def main():
    port, (module, variable) = int(sys.argv[1]), sys.argv[2].split(":")
    sys.path.insert(0, os.environ["MODULE_PATH"])
    os.chdir(os.environ["MODULE_PATH"])
    application = getattr(importlib.import_module(module), variable, None)
    if application is None:
        sys.exit(f"module '{module}' has no variable '{variable}'")
    if is_asgi(application):
        serve_asgi(application, port)
    else:
        simple_server.make_server("127.0.0.1", port, application, server_class=Server).serve_forever()


main()
