# SPDX-License-Identifier: Apache-2.0
"""uvicorn as Debian packages it, beside the plain server: the same application under a peer."""
import contextlib
import socket
import subprocess
import time


@contextlib.contextmanager
def uvicorn(code, tmp_path):
    """The port where `app` of the folder's app.py is served."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(tmp_path / "uvicorn", "wb") as log, \
            subprocess.Popen(["/usr/bin/python3", "-m", "uvicorn", "--app-dir", code, "--port", str(port), "app:app"],
                             stdout=subprocess.DEVNULL, stderr=log) as process:
        try:
            end = time.monotonic() + 20
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                assert time.monotonic() < end and process.poll() is None, (tmp_path / "uvicorn").read_text()
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()
