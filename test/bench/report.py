# SPDX-License-Identifier: Apache-2.0
"""What `make bench-server` prints, and docs/performance.md."""
import datetime
import importlib.metadata
import os
import pathlib
import platform
import re
import statistics
import subprocess

import measure
import servers

TITLES = {
    "wsgi-hello": "WSGI, 13 bytes", "asgi-hello": "ASGI, 13 bytes", "flask-json": "Flask, JSON",
    "fastapi-json": "FastAPI, JSON", "wsgi-1m-down": "WSGI, response of 1 MiB", "wsgi-1m-up": "WSGI, POST of 1 MiB",
    "asgi-1m-down": "ASGI, response of 1 MiB", "asgi-1m-up": "ASGI, POST of 1 MiB",
    "h2-hello": "HTTP/2, WSGI, 13 bytes (h2load -c8 -m16)", "handshake": "full TLS handshake",
}


def load():
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def first_line(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError:
        return "not installed"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else "?"


def version_of(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    here = pathlib.Path(__file__).parent
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{model[1] if model else platform.processor()}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "commit": first_line(["git", "-C", str(here), "describe", "--always", "--dirty"]),
        "python": platform.python_version(),
        "openssl": first_line(["openssl", "version"]),
        "nginx": first_line(["nginx", "-v"]).rpartition("/")[2],
        "uwsgi": first_line(["uwsgi", "--version"]),
        **{name: version_of(name) for name in ("uvicorn", "uvloop", "httptools", "hypercorn", "gunicorn", "flask", "fastapi")},
        "load_before": load(),
    }


# ---- against the goals ----

def ratios(row, other):
    """Of the rates of each turn, in order: what else the machine did in one turn met both."""
    return [rate / base for rate, base in zip(row["rates"], other["rates"])]


def rate_goals(results):
    for case, others, wanted in servers.GOALS:
        rows = results.get(case, {})
        there = [name for name in others if name in rows and name != "mse"]
        if "mse" not in rows or not there:
            continue
        other = max(there, key=lambda name: rows[name]["rate"])
        each = ratios(rows["mse"], rows[other])
        ratio = statistics.median(each)
        yield (case, f"of {other}'s rate (in single turns {min(each):.2f} to {max(each):.2f})", f"{ratio:.2f}",
               f"≥ {wanted:.2f}", ratio >= wanted)


def p99_goals(results):
    for case in servers.CASES:
        ours = results.get(case, {}).get("mse", {})
        if ours.get("p99_ms") is None:
            continue
        theirs = results[case][ours["p99_against"]]["p99_ms"]
        yield (case, f"p99 in ms at {ours['p99_rate']:.0f} requests/s, all that {ours['p99_against']} can do",
               f"{ours['p99_ms']:.2f}", f"≤ {theirs:.2f}", ours["p99_ms"] <= theirs)


def other_goals(results):
    shaken = results.get("handshake", {})
    if "mse" in shaken and "nginx" in shaken:
        ratio = shaken["mse"]["cpu_us"] / shaken["nginx"]["cpu_us"]
        yield "handshake", "of nginx's CPU time", f"{ratio:.2f}", "≤ 1.10", ratio <= 1.1
    started = results.get("start", {}).get("asgi-hello", {})
    if "mse" in started and "hypercorn" in started:
        ratio = started["mse"]["start_ms"] / started["hypercorn"]["start_ms"]
        yield "start", "of hypercorn's time to the first 200 (ASGI, least of several)", f"{ratio:.2f}", "≤ 0.50", ratio <= 0.5
    for case in "wsgi-hello", "asgi-hello":
        rows = results.get(case, {})
        there = [name for name in servers.PYTHON_SERVERS if name in rows]
        if "mse" in rows and there:
            other = min(there, key=lambda name: rows[name]["idle_kib"])
            yield (case, f"idle memory in KiB against {other}'s", str(rows["mse"]["idle_kib"]),
                   f"≤ {rows[other]['idle_kib']}", rows["mse"]["idle_kib"] <= rows[other]["idle_kib"])


def goals(results):
    return [*rate_goals(results), *p99_goals(results), *other_goals(results)]


# ---- for the terminal ----

def rows_text(case, rows):
    lines = []
    if case == "start":
        for kind, each in rows.items():
            lines += [f"start {kind:9} {name:10} {row['start_ms']:8.0f} ms  {row['phases']}" for name, row in each.items()]
        return "\n".join(lines)
    for name, row in sorted(rows.items(), key=lambda item: -item[1].get("rate", 0)):
        lines.append(f"{case:13} {name:10} {row.get('rate', 0):9.0f}/s {row['cpu_us']:8.1f} us CPU "
                     f"{row.get('p50_ms', 0):7.2f} ms p50 {row.get('idle_kib', 0):7} KiB {row.get('errors', '')}")
    return "\n".join(lines)


def goals_text(results):
    return "\n".join(f"{'reached' if met else 'MISSED ':7} {case:13} {reached:>8} {what} (wanted {wanted})"
                     for case, what, reached, wanted, met in goals(results))


# ---- the document ----

INTRODUCTION = """# Performance of the application server

Written by `make bench-server` (test/bench/bench_server.py); do not edit it by hand.

One process of the server on core 0 and the client on core 1, over the loopback, TLS 1.3 with a P-256 key, keep-alive,
32 connections (wrk). All servers of a case run at the same time and are loaded in turns of {seconds} s, {rounds} times
round after one that warms up. A rate is the median of its turns, a ratio the median of the ratios within each turn: what
else the machine does in a turn meets all servers. What carries over to another machine are these ratios, not the rates.
`probe` is the yardstick: test/bench/probe, an event loop with OpenSSL that calls the same application from C and does
nothing that a server has to do besides, one answer after the other. More than 1 of it is possible: answers that belong to
one turn of the loop leave together, and the client is woken once. `nginx` answers a constant. CPU time is the scheduler's
count of all processes of a server, per request. The p99 are medians of {p99_turns} turns each.

| | |
|---|---|
| date, commit | {date}, {commit} |
| processor, kernel | {processor}; Linux {kernel} |
| load average before, after | {load_before}; {load_after} |
| versions | Python {python}, {openssl}, nginx {nginx}, uWSGI {uwsgi}, gunicorn {gunicorn}, uvicorn {uvicorn}, uvloop {uvloop}, httptools {httptools}, hypercorn {hypercorn}, Flask {flask}, FastAPI {fastapi} |

The load average counts the servers under test too (about 2); much more before the run means that the machine was busy.
"""


def case_table(case, rows):
    if not rows:
        return [f"## {TITLES[case]}", "", "Not measured.", ""]
    mse = rows.get("mse")
    lines = [f"## {TITLES[case]}", "", "| server | requests/s | mse is | CPU µs | p50 ms | idle KiB | turns |",
             "|---|--:|--:|--:|--:|--:|---|"]
    for name, row in sorted(rows.items(), key=lambda item: -item[1]["rate"]):
        ratio = f"{statistics.median(ratios(mse, row)):.2f}" if mse else ""
        p50 = f"{row['p50_ms']:.2f}" if "p50_ms" in row else ""
        lines.append(f"| {name} | {row['rate']:.0f} | {ratio} | {row['cpu_us']:.1f} | {p50} | {row.get('idle_kib', '')} | "
                     f"{' '.join(str(rate) for rate in row['rates'])}{'; ' + row['errors'] if row['errors'] else ''} |")
    return [*lines, ""]


def handshake_table(rows):
    lines = [f"## {TITLES['handshake']}", "", "Nothing is resumed; one client, one connection after the other.", "",
             "| server | CPU µs |", "|---|--:|"]
    return [*lines, *(f"| {name} | {row['cpu_us']:.0f} |" for name, row in rows.items()), ""]


def start_table(rows):
    lines = ["## Start", "", f"From the start of the program to its first 200, the least of {measure.STARTS}.", "",
             "| application | server | ms | its own account |", "|---|---|--:|---|"]
    for case, each in rows.items():
        lines += [f"| {TITLES[case]} | {name} | {row['start_ms']:.0f} | {row['phases']} |" for name, row in each.items()]
    return [*lines, ""]


def document(machine_notes, results, options):
    lines = [INTRODUCTION.format(seconds=options.seconds, rounds=options.rounds, p99_turns=measure.P99_TURNS, **machine_notes),
             "## What was to be reached", "", "| case | measure | mse | wanted | |", "|---|---|--:|--:|---|"]
    lines += [f"| {TITLES.get(case, case)} | {what} | {reached} | {wanted} | {'reached' if met else '**missed**'} |"
              for case, what, reached, wanted, met in goals(results)]
    lines.append("")
    for case in [*servers.CASES, "h2-hello"]:
        lines += case_table(case, results.get(case))
    lines += handshake_table(results.get("handshake", {}))
    lines += start_table(results.get("start", {}))
    return "\n".join(lines).rstrip() + "\n"
