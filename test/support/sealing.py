# SPDX-License-Identifier: Apache-2.0
"""What holds for sealed state after the enclave was killed: it resumes with all it had, or asks again; never half."""
import json
import os
import pathlib

import testenclave

SECRETS = {"n": 1, "long": "x" * 5000}
APP = """
import os
def app(environ, start_response):
    start_response("200 OK", [])
    return [open(os.environ["SECRETS_PATH"], "rb").read()]
"""


def enclave(build):
    return testenclave.Enclave(build, {"app.py": APP, "more.py": "x = 1\n" * 1000})


def provision(one):
    """The identity that is provisioned, whether or not the answer arrives."""
    identity = one.identity()
    try:
        assert one.provision(one.body(app_secrets=SECRETS), one.ticket(identity=identity)).status == 200
    except (OSError, testenclave.http.client.HTTPException):
        pass
    return identity


def check_after_kill(one, identity):
    """Starts it again: "resumed" or "asked again", whichever the state's file says, and then it is whole."""
    sealed = pathlib.Path(one.dir, "state/sealed.bin").exists()
    one.start()
    if sealed:
        assert one.identity() == identity
    else:
        assert one.get().headers["Mse-Status"] == "Waiting" and one.identity() != identity
        assert one.provision(one.body(app_secrets=SECRETS)).status == 200
    one.wait_running()
    assert json.loads(one.get().text) == SECRETS
    assert os.listdir(one.dir / "state") == ["sealed.bin"], "nothing of the cut-off start is left"
    return "resumed" if sealed else "asked again"
