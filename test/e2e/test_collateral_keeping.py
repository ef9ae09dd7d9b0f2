# SPDX-License-Identifier: Apache-2.0
"""What may take the place of what is kept (docs/formats/collateral-cache.md): proven, in force, not older. And whom the
clients leave alone: services that said 404, 429 or 5xx, for how long, in all processes."""
import hashlib
import json
import threading
import time

import collateralserver as cs
import intelpki
import pytest
from intelpki import DAY, NOW

NAMES = ("tcb_info", "qe_identity", "pck_crl", "root_crl")
KINDS = {"tcb_info": "SGX TCB info", "qe_identity": "QE identity", "pck_crl": "PCK revocation list",
         "root_crl": "root revocation list"}


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return intelpki.Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def pccs(pki):
    with cs.Server(cs.Service("pccs", pki.items())) as server:
        yield server


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "collateral"


@pytest.fixture
def tool(build, pki, pccs, cache):
    return cs.Tool(build, pccs=pccs.url, cache=cache, tee="sgx", fmspc=intelpki.FMSPC, root=pki.root_file, delay_ms=10,
                   limit_ms=8000)


def hashes(answer):
    return {name: answer["items"][{"root_crl": "root_ca_crl"}.get(name, name)] for name in NAMES}


def hashes_of(items):
    return {name: hashlib.sha256(getattr(items, name)).hexdigest() for name in NAMES}


def failures(answer):
    return {origin["kind"]: origin["failure"] for origin in answer["origins"]}


def count(cache, suffix="item"):
    return len(list(cache.glob(f"*.{suffix}")))


# ---- what takes the place of what ----

def test_what_is_newer_takes_the_place(tool, pki, pccs):
    for items in (pki.items(17), pki.items(18), pki.items(18, issued=NOW, lists=NOW)):
        pccs.service.items = items
        assert hashes(tool(mode="renew")) == hashes_of(items)
        assert hashes(tool(mode="offline")) == hashes_of(items)


OLDER = {"a lower evaluation number": ({"number": 16, "issued": NOW}, {"tcb_info", "qe_identity"}, "Number 16, kept 17"),
         "an earlier issue": ({"issued": NOW - 2 * DAY}, {"tcb_info", "qe_identity"}, "older than what is kept: of 20"),
         "an older list": ({"lists": NOW - 2 * DAY}, {"pck_crl", "root_crl"}, "older than what is kept: of 20"),
         "what has ended": ({"ends": NOW - DAY / 2, "number": 99}, set(NAMES), "does not count now"),
         "what has not begun": ({"issued": NOW + DAY, "number": 99}, {"tcb_info", "qe_identity"}, "does not count now")}


@pytest.mark.parametrize("case", OLDER)
@pytest.mark.parametrize("mode", ["renew", "fresh"])
def test_what_is_older_does_not(tool, pki, pccs, case, mode):
    first = tool()
    change, names, part = OLDER[case]
    for name in names:
        setattr(pccs.service.items, name, getattr(pki.items(**change), name))
    answer = tool(mode=mode)
    assert hashes(answer) == hashes(first)
    told = failures(answer)
    if mode == "renew":
        assert all(part in told[KINDS[name]] for name in names), told
    else:
        assert any(part in text for text in told.values()), told
    assert hashes(tool(mode="offline")) == hashes(first)


@pytest.mark.parametrize("change, part", [({"number": 17, "issued": NOW}, "Number 17, kept 18"),
                                          ({"number": 18, "issued": NOW - 2 * DAY}, "older than what is kept: of 20")])
def test_what_has_ended_gives_its_place_to_nothing_older(tool, pki, pccs, cache, change, part):
    """Else whoever stands before a PCCS waits for its end and brings back what the vendor has replaced."""
    pccs.service.items = items = pki.items(18, ends=NOW + DAY)
    tool()
    later = int((NOW + 2 * DAY).timestamp())
    pccs.service.items = given = pki.items(**change)
    answer = tool(now=later)
    assert hashes(answer) == hashes_of(given) and part in failures(answer)[KINDS["tcb_info"]]
    assert sum(items.tcb_info in path.read_bytes() or items.qe_identity in path.read_bytes()
               for path in cache.glob("*.item")) == 2
    pccs.service.items = pki.items(18, issued=NOW, lists=NOW)
    assert not any(failures(tool(now=later)).values())
    assert hashes(tool(now=later, mode="offline"))["tcb_info"] == hashes_of(pccs.service.items)["tcb_info"]


def flip(data):
    """Another last digit of the signature, or bit of the list's."""
    if data.endswith(b'"}'):
        return data[:-3] + (b"0" if data[-3:-2] != b"0" else b"1") + data[-2:]
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_signed_is_never_kept(tool, pki, pccs, cache, name):
    """Alone it is given, so that the verdict can name it; it takes the place of nothing."""
    good = getattr(pccs.service.items, name)
    setattr(pccs.service.items, name, flip(good))
    answer = tool()
    assert "not proven" in failures(answer)[KINDS[name]] and count(cache) < len(NAMES)
    assert hashes(answer)[name] == hashlib.sha256(flip(good)).hexdigest()
    setattr(pccs.service.items, name, good)
    first = tool()
    assert count(cache) == len(NAMES)
    setattr(pccs.service.items, name, flip(good))
    answer = tool(mode="renew")
    assert hashes(answer) == hashes(first) and "not proven" in failures(answer)[KINDS[name]]


def test_another_root_is_no_proof(tool, pki, pccs, cache, tmp_path):
    """Same names, another key: neither the vendor's nor the test's root. What is kept is of no use to others either."""
    other = intelpki.Pki(tmp_path)
    first = tool()
    pccs.service.items = other.items(99)
    assert hashes(tool(mode="renew")) == hashes(first)
    answer = tool(root=None)
    assert not any(origin["cached"] for origin in answer["origins"]) and hashes(answer) == hashes_of(pccs.service.items)
    assert "root that is not trusted" in failures(answer)[KINDS["tcb_info"]]
    assert hashes(tool(mode="offline")) == hashes(first)
    # Who trusts that root has it kept, and a lower number of the other root is not older.
    assert hashes(tool(mode="renew", root=other.root_file)) == hashes_of(pccs.service.items)
    pccs.service.items = pki.items(17)
    assert hashes(tool()) == hashes_of(pccs.service.items)


def test_a_revoked_signer_locks_nothing(tool, pccs, tmp_path):
    """Whoever has its key can make any number: it does not stay in the place of what the vendor signs now."""
    pki = intelpki.Pki(tmp_path)
    pccs.service.items = stolen = pki.items(10 ** 9)
    assert hashes(tool(root=pki.root_file)) == hashes_of(stolen)
    revoked = pki.replace_signer()
    pccs.service.items = pki.items(18, lists=NOW, revoked=[revoked])
    told = failures(tool(mode="renew", root=pki.root_file))
    assert "older than what is kept" in told[KINDS["tcb_info"]] and not told[KINDS["root_crl"]]
    # The list is there now; what it names counts no more, without being asked to renew.
    assert hashes(tool(root=pki.root_file)) == hashes_of(pccs.service.items)
    assert hashes(tool(mode="offline", root=pki.root_file)) == hashes_of(pccs.service.items)
    good, pccs.service.items = pccs.service.items, stolen
    answer = tool(mode="renew", root=pki.root_file)
    assert hashes(answer) == hashes_of(good) and "signer is revoked" in failures(answer)[KINDS["tcb_info"]]


def test_a_chain_that_does_not_hold_is_no_proof(tool, pccs, cache):
    items = pccs.service.items
    items.tcb_chain, items.pck_crl_chain = items.pck_crl_chain, items.tcb_chain
    told = failures(tool())
    assert "not proven" in told[KINDS["tcb_info"]] and "not proven" in told[KINDS["pck_crl"]] and count(cache) == 2


def test_files_put_into_the_folder_by_hand_are_not_believed(tool, pki, pccs, cache):
    """A record whose hash fits but whose content nobody signed."""
    tool()
    for path in cache.glob("*.item"):
        head, rest = path.read_bytes().split(b"\n\n", 1)
        lines = head.split(b"\n")
        rest = rest.replace(b'"tcbEvaluationDataNumber":17', b'"tcbEvaluationDataNumber":99')
        start = b"\n".join(lines[:-1]) + b"\n"
        path.write_bytes(start + b"sha256 " + hashlib.sha256(start + rest).hexdigest().encode() + b"\n\n" + rest)
    answer = tool()
    assert hashes(answer) == hashes_of(pccs.service.items)
    assert {origin["kind"] for origin in answer["origins"] if not origin["cached"]} == {"SGX TCB info", "QE identity"}


@pytest.mark.parametrize("is_late", [True, False])
def test_who_waited_in_vain_for_the_lock_keeps_nothing(tool, pki, pccs, is_late):
    """One process is given 18, slowly; another one waits no longer and is given 17, before or after 18 was kept."""
    newer, older = pki.items(18), pki.items(17)
    answers = {items: threading.Event() for items in (newer, older)}

    def held(items):
        def fault(handler, _):
            assert answers[items].wait(20)
            handler.send(cs.Service("pccs", items).reply(handler.path))
        return fault

    pccs.service.items = newer
    pccs.faults.extend((held(newer), held(older)))
    holder = tool.start(limit_ms=20000)
    cs.wait_for(lambda: len(pccs.requests) == 1)
    other = tool.start(limit_ms=5000)
    cs.wait_for(lambda: len(pccs.requests) == 2)
    order = [(newer, holder), (older, other)]
    for items, process in order if is_late else order[::-1]:
        answers[items].set()
        out = json.loads(process.communicate(timeout=30)[0])
        if process is other:
            assert out["items"]["tcb_info"] == hashes_of(newer if is_late else older)["tcb_info"], out
            assert ("kept 18" if is_late else "another process") in failures(out)[KINDS["tcb_info"]], out
    assert hashes(tool(mode="offline"))["tcb_info"] == hashes_of(newer)["tcb_info"]


class Below(cs.Service):
    """With anything before the path."""

    def reply(self, target):
        return super().reply(target[target.index("/sgx/"):])


def test_a_failure_is_cut_between_characters(tool, pki, pccs):
    """It has a part of the answer in it: the verdict with it must be JSON."""
    pccs.service = Below("pccs", pki.items())

    def fail(length):
        url = f"{pccs.url}/{'x' * length}"
        pccs.always = None
        tool(pccs=url)
        pccs.always = cs.changed(body='"ééééééééé'.encode())
        return failures(tool(pccs=url, mode="renew"))[KINDS["tcb_info"]]

    short = fail(1)
    assert fail(1 + 254 - len(short[:short.index("é")].encode())).endswith("'\"")


# ---- who is left alone ----

@pytest.mark.parametrize("status, seconds", [(404, 60), (410, 60), (403, 60), (500, 10), (503, 10), (429, 10)])
def test_who_refused_is_not_asked_again_at_once(tool, pccs, cache, status, seconds):
    pccs.always, now = cs.status(status), int(time.time())
    first = tool(now=now, limit_ms=1000)
    asked = len(pccs.requests)
    pccs.always = None
    again = tool(now=now + seconds - 1)
    assert "is not asked" in again["message"] and f"HTTP status {status}" in again["message"]
    assert again["error"] == first["error"] and len(pccs.requests) == asked and count(cache, "pause") == 1
    assert "items" in tool(now=now + seconds) and count(cache, "pause") == 0


@pytest.mark.parametrize("asked, kept", [(30, 30), (60, 60), (3600, 60), (1, 10)])
def test_the_pause_is_what_the_server_asks_for_up_to_a_minute(tool, pccs, asked, kept):
    """A PCCS has not shown who it is. An hour for those that have: test_collateral_pause.c."""
    pccs.always, now = cs.status(429, Retry_After=str(asked)), int(time.time())
    assert "429" in tool(now=now, limit_ms=1000)["message"]
    pccs.always = None
    assert "is not asked" in tool(now=now + kept - 1)["message"]
    assert "items" in tool(now=now + kept)


def test_pauses_grow_and_end_with_an_answer(tool, pccs):
    pccs.always, now = cs.status(500), int(time.time())
    for seconds in (10, 20, 40):
        assert "500" in tool(now=now, limit_ms=1000)["message"]
        assert "is not asked" in tool(now=now + seconds - 1)["message"]
        now += seconds
    pccs.always = None
    assert "items" in tool(now=now)
    pccs.always = cs.status(500)
    assert tool(now=now, mode="renew")["items"]
    pccs.always = None
    assert not any(failures(tool(now=now + 11, mode="renew")).values())


def test_renewing_asks_once_in_spite_of_a_pause(tool, pccs):
    kept, now = tool(), int(time.time())
    pccs.always = cs.status(503, Retry_After="60")
    tool(now=now, mode="renew", limit_ms=1000)
    asked = len(pccs.requests)
    answer = tool(now=now + 1, mode="renew")
    assert hashes(answer) == hashes(kept) and len(pccs.requests) == asked + 1
    pccs.always = None
    assert not any(failures(tool(now=now + 2, mode="renew")).values())


def test_a_missing_item_is_no_word_about_others(tool, pccs):
    now = int(time.time())
    assert tool(now=now, fmspc="000000000000")["error"] == "not-found"
    asked = len(pccs.requests)
    assert tool(now=now, fmspc="000000000000")["error"] == "not-found" and len(pccs.requests) == asked
    assert "items" in tool(now=now)


def test_a_pause_of_a_wrong_clock_or_a_damaged_one_is_none(tool, pccs, cache):
    pccs.always, now = cs.status(500), int(time.time())
    tool(now=now + 86400, limit_ms=1000)
    pccs.always = None
    assert "items" in tool(now=now)  # it begins tomorrow
    pccs.always = cs.status(500)
    tool(now=now, mode="renew", limit_ms=1000)
    pccs.always = None
    for path in cache.glob("*.pause"):
        path.write_bytes(b"x")
    assert not any(failures(tool(now=now, mode="fresh")).values())


def test_pauses_do_not_grow_for_ever(tool, pccs, cache):
    tool()
    for i in range(200):
        (cache / f"{i:032x}.pause").write_bytes(b"x")
    tool(fmspc="000000000000")
    assert count(cache, "pause") <= 128 and count(cache) == len(NAMES)


def test_a_slow_service_holds_up_nobody_else(build, tool, pki, pccs, tmp_path):
    """Each item has a lock of its own: twenty items of others while one service says nothing."""
    pccs.always = cs.slow(60)
    stuck = tool.start(limit_ms=60000)
    cs.wait_for(lambda: pccs.requests)
    others = [cs.Server(cs.Service("pccs", pki.items())) for _ in range(5)]
    try:
        running = [tool.start(pccs=other.url, limit_ms=20000) for other in others]
        answers = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    finally:
        stuck.kill()
        stuck.communicate()
        for other in others:
            other.close()
    assert all("items" in answer and answer["ms"] < 8000 for answer in answers), answers


def test_what_still_counts_is_not_waited_for(tool, pccs):
    """Another process renews it, slowly."""
    until = min(origin["until"] for origin in tool()["origins"]) - 86400
    pccs.always = cs.slow(60)
    asked = len(pccs.requests)
    stuck = tool.start(now=until, limit_ms=60000)
    cs.wait_for(lambda: len(pccs.requests) > asked)
    answer = tool(now=until, limit_ms=60000)
    stuck.kill()
    stuck.communicate()
    assert answer["origins"][0]["cached"] and len(pccs.requests) == asked + 2, pccs.requests[asked:]
