#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The application server against others and against a bound: `make bench-server`, about nine minutes.

One process of the server on one core, the client on the other, TLS 1.3, keep-alive, 32 connections. All servers of a
case run at the same time and are loaded in turns, several times round, so that what else happens on the machine meets
all of them; a row is the median of its turns, a ratio the median of the ratios within a turn. Servers that are not installed (packaging/debian-packages.txt, group
"bench") are left out with a line that says so. A whole run writes docs/performance.md.

  bench_server.py [--cases NAMES] [--servers NAMES] [--rounds N] [--seconds N] [--json FILE] [--no-doc]
"""
import argparse
import contextlib
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

import measure
import report
import servers

POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", 1048576)\n'
DOC = pathlib.Path(__file__).parents[2] / "docs" / "performance.md"


def say(text):
    print(text, file=sys.stderr, flush=True)


def make_setup(folder):
    """A certificate, and applications in a folder of their own, where what Python compiles of them may lie."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    apps = shutil.copytree(servers.APPS, folder / "apps", ignore=shutil.ignore_patterns("__pycache__"))
    return {"cert": cert, "key": key, "folder": folder, "apps": apps}


@contextlib.contextmanager
def running(names, case, setup):
    """Servers that answer, by name."""
    found = {}
    try:
        for name in names:
            server = measure.Server(name, case, setup)
            try:
                server.wait()
                found[name] = server
            except RuntimeError as error:
                server.end()
                say(f"left out: {name} for {case}: {error}")
        yield found
    finally:
        for server in found.values():
            server.end()


def median_row(rows):
    row = {key: statistics.median(r[key] for r in rows) for key in ("rate", "cpu_us", "p50_ms") if key in rows[0]}
    row["rates"] = [round(r["rate"]) for r in rows]
    row["errors"] = next((r["errors"] for r in rows if r["errors"]), "")
    return row


def in_turns(found, rounds, load):
    """name: median row of the rounds, in changing order; one more round before warms everything up."""
    rows = {name: [] for name in found}
    for turn in range(rounds + 1):
        for name, server in list(found.items())[::-1 if turn % 2 else 1]:
            row = load(server)
            if turn > 0:
                rows[name].append(row)
    return {name: median_row(each) for name, each in rows.items()}


def bench_case(case, names, options, setup):
    script = str(setup["folder"] / "post.lua") if servers.CASES[case][3] else None
    with running(names, case, setup) as found:
        memory = {name: measure.memory_kib(server.process.pid) for name, server in found.items()}
        rows = in_turns(found, options.rounds, lambda server: measure.wrk(server, options.seconds, script))
        for name, row in rows.items():
            row["idle_kib"] = memory[name]
        bench_p99(found, rows, options, setup, ["-d", str(setup["body"])] if script else [])
    return rows


def best(rows, names):
    there = [name for name in names if name in rows]
    return max(there, key=lambda name: rows[name]["rate"]) if there else None


def bench_p99(found, rows, options, setup, words):
    """At the rate that the best Python server reaches at most: its p99 and ours, in turns."""
    other = best(rows, servers.PYTHON_SERVERS)
    if not other or "mse" not in found:
        return
    theirs, ours = [], []
    for _ in range(measure.P99_TURNS):
        theirs.append(measure.p99_ms(found[other], options.seconds + 1, None, setup["folder"], words))
        ours.append(measure.p99_ms(found["mse"], options.seconds + 1, theirs[-1]["rate"], setup["folder"], words))
    for name, each in (other, theirs), ("mse", ours):
        rows[name]["p99_ms"] = statistics.median(row["p99_ms"] for row in each)
    rows["mse"]["p99_against"], rows["mse"]["p99_rate"] = other, statistics.median(row["rate"] for row in theirs)


def bench_h2(names, options, setup):
    with running([name for name in names if name in ("mse", "nginx")], "wsgi-hello", setup) as found:
        for name in list(found):
            if measure.h2load(found[name], 1, ["-c1"])["protocol"] != "h2":
                say(f"left out: {name} for h2-hello: it does not speak HTTP/2")
                found.pop(name).end()
        return in_turns(found, options.rounds, lambda server: measure.h2load(server, options.seconds, ["-c8", "-m16"]))


def bench_handshakes(names, options, setup):
    with running([name for name in names if name in ("mse", "nginx")], "wsgi-hello", setup) as found:
        rows = {name: [] for name in found}
        for _ in range(options.rounds):
            for name, server in found.items():
                rows[name].append(measure.handshakes(server, options.seconds)["cpu_us"])
    return {name: {"cpu_us": statistics.median(each)} for name, each in rows.items()}


def phases_of(server):
    server.log.seek(0)
    found = re.search(r"^.*\bstarted in .*$", server.log.read(), re.M)
    return found[0] if found else ""


def bench_starts(names, setup):
    """From the start of the program to the first 200, in turns; the least of each."""
    rows = {}
    for case in "wsgi-hello", "asgi-hello":
        there = [name for name in names if name not in ("probe", "nginx") and servers.serves(name, case)]
        times = {name: [] for name in there}
        for name in there * measure.STARTS:
            server = measure.Server(name, case, setup)
            try:
                times[name].append((server.wait() * 1000, phases_of(server)))
            finally:
                server.end()
        rows[case] = {name: {"start_ms": min(each)[0], "phases": min(each)[1]} for name, each in times.items()}
    return rows


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", help="of: " + ", ".join([*servers.CASES, "h2-hello", "handshake", "start"]))
    parser.add_argument("--servers", help="of: " + ", ".join(servers.SERVERS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=1, help="of one turn")
    parser.add_argument("--json", type=pathlib.Path, help="all figures go there too")
    parser.add_argument("--no-doc", action="store_true", help="leave docs/performance.md as it is")
    return parser.parse_args()


def measure_all(names, cases, options, setup):
    results = {}
    for case in cases:
        say(f"measuring {case} ...")
        if case == "h2-hello":
            results[case] = bench_h2(names, options, setup)
        elif case == "handshake":
            results[case] = bench_handshakes(names, options, setup)
        elif case == "start":
            results[case] = bench_starts(names, setup)
        else:
            results[case] = bench_case(case, [name for name in names if servers.serves(name, case)], options, setup)
        print(report.rows_text(case, results[case]), flush=True)
    return results


def main():
    options = parse_arguments()
    for tool in "wrk", "h2load", "openssl":
        if not shutil.which(tool):
            sys.exit(f"bench-server: {tool} is not installed (tools/install-packages bench)")
    names = options.servers.split(",") if options.servers else list(servers.SERVERS)
    for name in names:
        if why := servers.missing(name):
            say(f"left out: {name}: {why}")
    names = [name for name in names if not servers.missing(name)]
    cases = options.cases.split(",") if options.cases else [*servers.CASES, "h2-hello", "handshake", "start"]
    machine = report.machine()
    with tempfile.TemporaryDirectory(prefix="mse-bench-") as folder:
        setup = make_setup(pathlib.Path(folder))
        (setup["folder"] / "post.lua").write_text(POST)
        setup["body"] = setup["folder"] / "body"
        setup["body"].write_bytes(bytes(1 << 20))
        results = measure_all(names, cases, options, setup)
    machine["load_after"] = report.load()
    print(report.goals_text(results))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "results": results}, indent=1))
    if not options.no_doc and not options.cases and not options.servers:
        DOC.write_text(report.document(machine, results, options))
        say(f"written: {DOC}")


if __name__ == "__main__":
    main()
