# SPDX-License-Identifier: Apache-2.0
"""The soak of test/long/soaks.py, in short: every kind of client at one server, every answer checked, nothing left."""
import time

import pytest
import soakapps
import soaking

RARE = {"bad", "large", "expecting", "careful_streams", "bad_streams", "messages", "stream_messages"}


def soak(build, kind, is_tls, wanted, only=None):
    return soaking.soak(build, kind, is_tls, 1, time.monotonic() + 60, wanted, say=lambda text: None, threads=4, only=only,
                        sample_seconds=0.1)


@pytest.mark.parametrize("kind,is_tls", [("wsgi", True), ("asgi", True), ("asgi", False)])
def test_mixed_requests(build, kind, is_tls):
    done = soak(build, kind, is_tls, 6000)
    assert done["requests"] >= 6000 and not done["dropped"]
    assert done["counts"]["pipelined"] > 0 and done["growth"] < 64 << 20


def test_what_is_rare_in_the_mix(build):
    assert set(soak(build, "asgi", True, 50, RARE)["counts"]) == RARE


@pytest.mark.parametrize("code,turn,said", [
    ('b"hello"', "pipelined", "hello"), ('b"hello"', "streams", "hello"), ("**message, ", "messages", "")])
def test_wrong_answers_are_noticed(build, monkeypatch, code, turn, said):
    wrong = code.replace("hello", "hullo").replace("**message, ", '**message, "bytes": b"", "text": None, ')
    assert code in soakapps.ASGI
    monkeypatch.setitem(soaking.APPS, "asgi", soakapps.ASGI.replace(code, wrong))
    with pytest.raises(AssertionError, match=said):
        soak(build, "asgi", True, 1000, {turn})
