# SPDX-License-Identifier: Apache-2.0
"""A real browser in front of `mse connect`: what it shows, and what pages of other sites can do with the local port."""
import http.server
import re
import threading

import pytest

import attackers
import connector
from browser import BROWSER, browse

APP = r'''
seen = []

def app(environ, start_response):
    path = environ["PATH_INFO"]
    seen.append(path)
    kind = "text/html"
    if path == "/":
        body = "<title>x</title><body>waiting<script>fetch('/own',{method:'POST',body:'a'}).then(r=>r.text())" \
               ".then(t=>{document.body.textContent=t})</script>"
    elif path == "/own":
        body = f"own page: {environ['HTTP_ORIGIN']} {environ.get('HTTP_SEC_FETCH_SITE')}"
    else:
        body = " ".join(seen)
    start_response("200 OK", [("Content-Type", kind), ("Access-Control-Allow-Origin", "*")])
    return [body.encode()]
'''

EVIL = """<body>waiting<form id=f method=post target=i action="{url}/evil-form"><input name=a value=b></form><iframe name=i></iframe>
<img src="{url}/evil-img"><script src="{url}/evil-script"></script><script>
document.getElementById("f").submit();
const tries = [fetch("{url}/evil-nocors", {{mode: "no-cors", method: "POST", body: "x"}}),
               fetch("{url}/evil-cors"), fetch("{url}/evil-preflight", {{method: "PUT"}})];
new WebSocket("{url}/evil-socket".replace("http", "ws"));
Promise.allSettled(tries).then(all => {{ document.body.textContent = "tried: " + all.map(
    t => t.status == "fulfilled" ? t.value.type + t.value.status : "failed").join(" ") }});
</script>"""


@pytest.fixture(scope="module")
def world(build):
    if not BROWSER:
        pytest.skip("no chromium here: tools/install-packages brings it; the rules are tested by headers in test_connect.py")
    new = attackers.World(build)
    yield new
    new.close()


@pytest.fixture(scope="module")
def enclave(world):
    with world.enclave({"app.py": APP}) as new:
        new.run()
        yield new


@pytest.fixture
def proxy(world, enclave):
    with attackers.passing(lambda _: enclave) as listener, \
            connector.Connector(world, enclave.instance["domain"], listener.port, fingerprint=enclave.tee.mrenclave) as running:
        yield running


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_the_apps_own_page(proxy, tmp_path, enclave):
    text = browse(tmp_path, proxy.url)
    own = re.search(r"own page: (\S+) ([a-z-]+)<", text)
    assert own, text
    assert own[1].startswith(f"https://{enclave.instance['domain']}:") and own[2] == "same-origin"


@pytest.mark.parametrize("site", ["127.0.0.1", "localhost"])
def test_a_page_of_another_site_reaches_nothing(proxy, tmp_path, site):
    """127.0.0.1 is another site than localhost to a browser, another port of it is the same site: both are strangers."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.page = EVIL.format(url=f"http://localhost:{proxy.port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        text = browse(tmp_path, f"http://{site}:{server.server_port}/")
    finally:
        server.shutdown()
        server.server_close()
    assert "tried: opaque0 failed failed" in text, text
    assert b"evil" not in proxy.request(path="/seen").body, "the app never heard of it"


def test_a_name_that_turns_into_the_loopback(proxy, tmp_path):
    """DNS rebinding: the page's origin is evil.example, its address ours."""
    text = browse(tmp_path, f"http://evil.example:{proxy.port}/evil-rebound", "--host-resolver-rules=MAP evil.example 127.0.0.1")
    assert "421" in text and "misdirected" in text
    assert b"evil" not in proxy.request(path="/seen").body


def test_the_error_page(world, enclave, tmp_path):
    with attackers.passing(lambda _: enclave) as listener, \
            connector.Connector(world, enclave.instance["domain"], listener.port, fingerprint=b"\x01" * 32) as running:
        text = browse(tmp_path, running.url)
    assert "<h1>502: <code>measurement</code></h1>" in text
    assert "SIMULATED: no hardware protects this" in text
    assert re.search(r'<tr class="failed"><td>failed</td><td>[a-z.-]*measurement</td>', text), text
    assert text.count('<tr class="passed">') > 20
