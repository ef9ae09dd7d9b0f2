# SPDX-License-Identifier: Apache-2.0
"""kill -9 of mse-enclave at every step from the first byte of sealed state to the running application.

test/long/seals.py kills at random moments, starts and resumptions too.
"""
import sealing

STEPS_MAX = 150


def killed_at(build, step):
    """What became of one that was killed at that step; None if it has fewer."""
    with sealing.enclave(build) as one:
        one.env |= {"LD_PRELOAD": str(build / "test/support/libkill_preload.so"), "KILL_AT": str(step)}
        one.start()
        identity = sealing.provision(one)
        one.wait(lambda: one.process.poll() is not None or "mse-enclave: running\n" in one.log_text())
        if one.process.poll() is None:
            return None
        assert one.wait_exit() == -9
        del one.env["LD_PRELOAD"], one.env["KILL_AT"]
        return sealing.check_after_kill(one, identity)


def test_killed_at_every_step_it_resumes_or_asks_again(build):
    seen = []
    for step in range(1, STEPS_MAX):
        seen.append(killed_at(build, step))
        if not seen[-1]:
            break
    turn = seen.index("resumed")
    assert seen == ["asked again"] * turn + ["resumed"] * (len(seen) - turn - 1) + [None]
    assert turn >= 6, "file, mode, both halves of its content, sync, name"
    assert len(seen) - turn > 10, "the answer, the code, the secrets"


def test_killed_while_it_resumes(build):
    """Resuming writes nothing to the state: as often as it is killed, the next start has all."""
    with sealing.enclave(build) as one:
        one.start()
        identity = sealing.provision(one)
        one.wait_running()
        state = (one.dir / "state/sealed.bin").read_bytes()
        for text in "resumed from the sealed state", "accepted", "loading the application":
            one.kill()
            one.start(wait=False)
            one.wait(lambda: f"mse-enclave: {text}\n" in one.log_text()[one.log_start:])
        one.kill()
        assert (one.dir / "state/sealed.bin").read_bytes() == state
        assert sealing.check_after_kill(one, identity) == "resumed"
