# SPDX-License-Identifier: Apache-2.0
"""What mse connect costs: one request on a kept connection, and a large body each way, against the same TLS without it."""
import contextlib
import http.client
import pathlib
import ssl
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "support"))
import attackers  # noqa: E402  (found by the line above)
import connector  # noqa: E402

SIZE = 512 << 20
REQUESTS = 500
APP = """
def app(environ, start_response):
    if environ["PATH_INFO"] == "/big":
        start_response("200 OK", [("Content-Length", environ["QUERY_STRING"])])
        return (b"x" * (1 << 20) for _ in range(int(environ["QUERY_STRING"]) >> 20))
    while environ["wsgi.input"].read(1 << 20):
        pass
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
"""


def latency(client):
    """Median of one request on a connection that stands, in ms."""
    times = []
    for _ in range(REQUESTS):
        started = time.perf_counter()
        client.request("GET", "/")
        client.getresponse().read()
        times.append((time.perf_counter() - started) * 1000)
    client.close()
    return statistics.median(times)


def rate(*words):
    """MB/s of a curl that moves SIZE bytes, the best of three."""
    best = 0
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run(["curl", "-sS", "-k", "-o", "/dev/null", *words], check=True)
        best = max(best, SIZE / 1e6 / (time.perf_counter() - started))
    return best


def run(build, row):
    with contextlib.closing(attackers.World(build)) as world, world.enclave({"app.py": APP}, MSE_LISTEN="127.0.0.1:0") as enclave:
        enclave.run()
        domain, port = enclave.instance["domain"], enclave.port()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        direct = ["--resolve", f"{domain}:{port}:127.0.0.1"]
        url = f"https://{domain}:{port}"
        with connector.Connector(world, domain, port, fingerprint=enclave.tee.mrenclave) as proxy, \
                open(proxy.folder / "body", "wb") as body:
            body.truncate(SIZE)
            proxy.request()
            base = latency(http.client.HTTPSConnection("127.0.0.1", port, context=context))
            row("one request through mse connect", latency(proxy.open()), "ms", "the same TLS directly", base)
            row("large answer through mse connect", rate(f"{proxy.url}/big?{SIZE}"), "MB/s", "directly",
                rate(*direct, f"{url}/big?{SIZE}"))
            upload = ["-X", "POST", "-T", body.name, "-H", "Expect:"]
            row("large upload through mse connect", rate(*upload, proxy.url), "MB/s", "directly",
                rate(*upload, *direct, url))
