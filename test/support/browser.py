# SPDX-License-Identifier: Apache-2.0
"""A real browser, if the machine has one."""
import contextlib
import shutil
import subprocess

BROWSER = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--disable-dev-shm-usage"]


def browse(tmp_path, url, *flags):
    """The page as it stands when nothing more happens. Time stands still in the page while it waits for requests, and under
    load its WebSockets do too: they want visiting()."""
    result = subprocess.run([BROWSER, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--virtual-time-budget=10000", *flags,
                             "--dump-dom", url], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


@contextlib.contextmanager
def visiting(tmp_path, url, *flags):
    """The page is open meanwhile; what it does is the server's to tell."""
    with open(tmp_path / "chromium.log", "wb") as log, \
            subprocess.Popen([BROWSER, *FLAGS, f"--user-data-dir={tmp_path}/profile", "--remote-debugging-port=0", *flags, url],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.terminate()
