# SPDX-License-Identifier: Apache-2.0
"""Many idle TLS connections to a server: what each of them costs, and whether the server sleeps meanwhile."""
import contextlib
import os
import pathlib
import re
import resource
import subprocess
import time

SETTLE_SECONDS = 60


def allow_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def switches(pid):
    """How often threads of the process went to sleep: who wakes up has to."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
    return total


def settled_kib(pid):
    """Resident memory once it does not change for two seconds, at most SETTLE_SECONDS."""
    seen, since = resident_kib(pid), time.monotonic()
    end = since + SETTLE_SECONDS
    while time.monotonic() - since < 2 and time.monotonic() < end:
        time.sleep(0.1)
        now = resident_kib(pid)
        if now != seen:
            seen, since = now, time.monotonic()
    return seen


def sleeps(pid, seconds, tries):
    """true once no thread has woken up for so long."""
    for _ in range(tries):
        before = switches(pid)
        time.sleep(seconds)
        if switches(pid) == before:
            return True
    return False


class BareServer:
    """The least server that can hold TLS connections."""

    def __init__(self, build, cert, key):
        self.process = subprocess.Popen([build / "test/support/idle_tls", "serve", cert, key], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def held(build, port, count, protocol="http1"):
    """Opens and holds count connections, each behind one request, unless protocol is None."""
    holder = subprocess.Popen([build / "test/support/idle_tls", "hold", str(port), str(count), *([protocol] if protocol else [])],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "ready\n", "not all connections came up"
        yield
    finally:
        holder.stdin.close()
        holder.wait(60)
        holder.stdout.close()


def kib_each(build, pid, port, count, protocol):
    """Growth of the server for each of count idle connections, measured behind a few that warm it up."""
    with held(build, port, 20, protocol):
        pass
    before = settled_kib(pid)
    with held(build, port, count, protocol):
        return (settled_kib(pid) - before) / count


def certificate(folder):
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def bare_kib(build, server, count, found={}):
    """What a bare server keeps for each; measured once."""
    if count not in found:
        bare = BareServer(build, server.cert, server.key)
        try:
            found[count] = kib_each(build, bare.process.pid, bare.port, count, None)
        finally:
            bare.end()
    return found[count]


def excess_kib(build, server, count, protocol="http1"):
    """What a PlainServer with .cert and .key keeps for each idle connection beyond what a bare server does."""
    least = bare_kib(build, server, count)
    ours = kib_each(build, server.process.pid, server.port(), count, protocol)
    print(f"{count} idle TLS connections of {protocol}, {os.cpu_count()} cores: {ours:.1f} KiB each, a bare server keeps {least:.1f}")
    return ours - least
