# SPDX-License-Identifier: Apache-2.0
"""The cache of collateral: what is kept, for how long, how much, and what damage, other users, full folders and many
processes at once make of it."""
import json
import os
import stat
import time

import collateralserver as cs
import pytest

DAY = 86400
TIMES = 4  # requests of one set


@pytest.fixture(scope="module")
def items(build, tmp_path_factory):
    return cs.simulated(build, tmp_path_factory.mktemp("pki") / "sim")


@pytest.fixture
def pccs(items):
    with cs.Server(cs.Service("pccs", items)) as server:
        yield server


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "conf" / "collateral"


@pytest.fixture
def tool(build, items, pccs, cache):
    return cs.Tool(build, pccs=pccs.url, cache=cache, tee=items.tee, fmspc=items.fmspc, sim_root=items.root, delay_ms=10, limit_ms=8000)


def kept(cache):
    return sorted(cache.glob("*.item"))


def all_cached(answer):
    return all(origin["cached"] for origin in answer["origins"])


def test_the_second_time_nobody_is_asked(tool, pccs, cache):
    first = tool()
    second = tool()
    assert len(pccs.requests) == TIMES and all_cached(second) and second["items"] == first["items"]
    assert second["text"].startswith(f"cache (PCCS {pccs.url}, 20") and not all_cached(first)
    assert len(kept(cache)) == TIMES
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in cache.iterdir()} == {0o600}


def test_what_is_kept_is_kept_by_what_it_is(build, tool, pccs, items, tmp_path):
    """Another place, another version of the API, another platform: another item."""
    tool()
    with cs.Server(cs.Service("pccs", cs.simulated(build, tmp_path / "other"))) as other:
        assert not all_cached(tool(pccs=other.url)) and len(other.requests) == TIMES
    assert not all_cached(tool(pccs=pccs.url + "/sgx/certification/v3"))
    assert tool(fmspc="000000000000")["error"] == "not-found"
    assert all_cached(tool(pccs=pccs.url + "/")) and all_cached(tool(fmspc=items.fmspc.lower()))


def test_it_counts_until_it_ends(tool, pccs):
    until = min(origin["until"] for origin in tool()["origins"])
    pccs.close()
    at_the_end = tool(now=until)
    assert all_cached(at_the_end) and any(origin["failure"] for origin in at_the_end["origins"])
    assert "because" in at_the_end["text"]
    assert tool(now=until + 1)["error"] == "unavailable"
    assert tool(now=until + 1, mode="offline")["error"] == "unavailable"
    assert tool(now=int(time.time()) - DAY)["error"] == "unavailable"  # of a time that was not yet


def test_what_ends_soon_is_asked_for_again(tool, pccs, items):
    until = min(origin["until"] for origin in tool()["origins"])
    assert all_cached(tool(now=until - 4 * DAY)) and len(pccs.requests) == TIMES
    renewed = tool(now=until - DAY)
    assert not all_cached(renewed) and len(pccs.requests) > TIMES


def test_a_failing_renewal_costs_one_try_and_is_told(tool, pccs):
    until = min(origin["until"] for origin in tool()["origins"])
    pccs.always = cs.status(500)
    answer = tool(now=until - DAY, times=2)
    assert all(all_cached(one) for one in answer) and len(pccs.requests) == TIMES + 1
    assert "HTTP status 500" in answer[0]["origins"][0]["failure"]


def test_offline(tool, pccs):
    assert "offline" in tool(mode="offline")["message"] and pccs.requests == []
    tool()
    pccs.close()
    assert all_cached(tool(mode="offline")) and all_cached(tool())


def test_renew_asks_and_falls_back(tool, pccs):
    tool()
    assert not all_cached(tool(mode="renew")) and len(pccs.requests) == 2 * TIMES
    pccs.close()
    answer = tool(mode="renew")
    assert all_cached(answer) and answer["origins"][0]["failure"]


def test_fresh_asks_once_and_falls_back_soon(tool, pccs):
    tool()
    assert not all_cached(tool(mode="fresh")) and len(pccs.requests) == 2 * TIMES
    pccs.always = cs.status(503)
    answers = tool(mode="fresh", times=2)
    assert all(all_cached(answer) for answer in answers) and len(pccs.requests) == 2 * TIMES + 1


def test_what_has_ended_is_given_but_not_kept(tool, pccs, cache):
    answer = tool(now=int(time.time()) + 400 * DAY)
    assert not all_cached(answer) and len(answer["items"]) == 7 and kept(cache) == []


@pytest.mark.parametrize("damage", [
    lambda data: b"", lambda data: data[:20], lambda data: data[:-1], lambda data: data + b"x",
    lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], lambda data: data[:-9] + b"X" + data[-8:],
    lambda data: data.replace(b"until ", b"until 9"), lambda data: b"\0" * (6 << 20)],
    ids=["empty", "head", "cut", "longer", "bit", "bit in the body", "date", "large"])
def test_damage_is_as_if_it_were_not_there(tool, pccs, cache, items, damage):
    first = tool()
    for path in kept(cache):
        path.write_bytes(damage(path.read_bytes()))
    again = tool()
    assert again["items"] == first["items"] and not any(origin["cached"] for origin in again["origins"])
    assert all_cached(tool())


def test_an_item_in_the_place_of_another_is_none(tool, pccs, cache):
    tool()
    paths = kept(cache)
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1]):
        path.write_bytes(content)
    assert not any(origin["cached"] for origin in tool()["origins"])


def test_no_link_and_no_folder_is_an_item(tool, pccs, cache, tmp_path):
    tool()
    secret = tmp_path / "elsewhere"
    for i, path in enumerate(kept(cache)):
        moved = tmp_path / f"moved{i}"
        path.rename(moved)
        path.symlink_to(moved)
    assert not any(origin["cached"] for origin in tool()["origins"])
    assert not secret.exists() and not any(path.is_symlink() for path in kept(cache))


def test_others_cannot_look_in(tool, cache):
    cache.mkdir(parents=True, mode=0o777)
    os.chmod(cache, 0o777)
    tool()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away; without root there is none to try")
def test_a_folder_of_another_user_is_not_used(tool, pccs, cache):
    cache.mkdir(parents=True)
    os.chown(cache, 12345, 12345)
    assert tool()["items"] and list(cache.iterdir()) == []
    process = tool.start(mode="offline")
    assert b"belongs to another user" in process.communicate(timeout=20)[1] and process.returncode == 2


def test_without_a_folder_it_works_all_the_same(tool, pccs, tmp_path):
    (tmp_path / "file").write_text("")
    for _ in range(2):
        assert not all_cached(tool(cache=tmp_path / "file" / "below"))
    assert len(pccs.requests) == 2 * TIMES


def test_it_does_not_grow_for_ever(tool, pccs, cache):
    """Old ones go first, whatever their number; what a killed process left goes too."""
    tool()
    own = kept(cache)
    for i in range(600):
        (cache / f"{i:032x}.item").write_bytes(b"x")
        os.utime(cache / f"{i:032x}.item", (1000 + i, 1000 + i))
    stale = cache / "00.item.tmp-abcdef"
    stale.write_bytes(b"x")
    os.utime(stale, (1000, 1000))
    own[0].unlink()
    tool()
    left = kept(cache)
    assert len(left) == 512 and set(own) <= set(left) and not stale.exists()
    assert not (cache / f"{0:032x}.item").exists() and (cache / f"{599:032x}.item").exists()


def test_it_does_not_grow_in_bytes(tool, pccs, cache):
    cache.mkdir(parents=True)
    for i in range(4):
        with open(cache / f"{i:032x}.item", "wb") as file:
            file.truncate(30 << 20)
        os.utime(cache / f"{i:032x}.item", (1000 + i, 1000 + i))
    tool()
    assert sum(path.stat().st_size for path in kept(cache)) <= 64 << 20
    assert (cache / f"{3:032x}.item").exists() and not (cache / f"{0:032x}.item").exists()


def test_many_processes_ask_once(tool, pccs, items):
    pccs.always = cs.slow(0.05)
    processes = [tool.start() for _ in range(20)]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert len({json.dumps(answer["items"]) for answer in answers}) == 1 and len(answers[0]["items"]) == 7
    assert len(pccs.requests) == TIMES, pccs.requests


def test_many_processes_damage_nothing(tool, pccs, cache):
    """Half of them always write anew while the others read: nobody ever sees half an item."""
    tool()
    processes = [tool.start(mode="renew" if i % 2 else "cached", times=10) for i in range(8)]
    for process in processes:
        lines = [json.loads(line) for line in process.communicate(timeout=60)[0].splitlines()]
        assert len(lines) == 10 and all(len(line.get("items", ())) == 7 for line in lines), lines
    assert len(kept(cache)) == TIMES and not list(cache.glob("*tmp*")) and all_cached(tool(mode="offline"))


def test_who_dies_with_the_lock_holds_nobody_up(tool, pccs):
    pccs.faults.append(cs.slow(60))
    first = tool.start(limit_ms=60000)
    cs.wait_for(lambda: pccs.requests)
    first.kill()
    first.communicate()
    assert len(tool()["items"]) == 7


def test_who_sleeps_with_the_lock_holds_nobody_up_for_long(tool, pccs):
    pccs.faults.append(cs.slow(60))
    first = tool.start(limit_ms=60000)
    cs.wait_for(lambda: pccs.requests)
    answer = tool(limit_ms=3000)
    first.kill()
    first.communicate()
    assert len(answer["items"]) == 7 and answer["ms"] < 3500


def test_kill_while_it_is_written_damages_nothing(tool, pccs, cache):
    """Many processes write anew and are killed at any moment: what is kept is whole, and little is left lying about."""
    tool()
    running = [tool.start(mode="renew", times=100000) for _ in range(4)]
    try:
        for i in range(24):
            asked = len(pccs.requests)
            cs.wait_for(lambda: len(pccs.requests) > asked + 3)
            running[i % 4].kill()
            running[i % 4].communicate()
            assert all_cached(tool(mode="offline")), i
            running[i % 4] = tool.start(mode="renew", times=100000)
    finally:
        for process in running:
            process.kill()
            process.communicate()
    assert len(kept(cache)) == TIMES and not all_cached(tool(mode="renew"))
    assert len(list(cache.glob("*.tmp-*"))) <= 28
