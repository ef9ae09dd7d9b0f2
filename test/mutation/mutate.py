#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make mutation: switches off every single check of the verifier and wants a test to notice.

A copy of the tree is rewritten so that each condition that leads to a refusal can be ignored, or turned round, by a
number in the environment; that copy is built once, and the unit tests run once for each number until one fails: those
that come to the condition at all, and for one that is ignored those in which it holds. What no test notices is printed,
unless test/mutation/harmless.txt names it with a reason.

usage: mutate.py [--list] [--only SUBSTRING]... [--jobs N]
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HARMLESS = ROOT / "test/mutation/harmless.txt"
# What is mutated, and the suites of unit tests that must notice.
SOURCES = ["src/attest/*.c", "src/format/intel_quote.c", "src/format/sgx_report.c", "src/format/tcb_info.c",
           "src/format/tdx_module.c", "src/format/svn_level.c",
           "src/format/qe_identity.c", "src/format/snp_*.c", "src/format/hcl_report.c", "src/format/ratls_*.c",
           "src/format/tagged_evidence.c", "src/format/cbor_read.c",
           "src/crypto/x509_parse.c", "src/crypto/crl_parse.c", "src/crypto/pck_extension.c",
           "src/crypto/kds_extension.c", "src/crypto/x509_amd.c", "src/crypto/x509_self.c", "src/crypto/amd_key.c", "src/crypto/der.c"]
# Prints verdicts and decides nothing; running out of memory there is test_no_memory's.
OUTPUT = ["src/attest/facts_json.c", "src/attest/verdict_json.c", "src/attest/verdict_text.c"]
SUITES = ["attest", "format", "crypto"]
# Not these: they turn round every bit, want files that may not be there, or are about something else than rules.
NO_RULES = re.compile("flips|vectors|threads|no_memory|_boxes|_keys|_secret|_hash|_tar|_toml|_uri|_bill")
# A mutant that never comes back is one that a test noticed.
SECONDS = 60

REFUSAL = re.compile(r"\bjudge_fail|\berr_set|\berr_prefix|\brefuse|\bfault\b|_fault\b|return -1|return false|"
                     r"return NULL|return \"|return ret_error|\bfail\w*\(")
NO_CHECK = re.compile(r"ERR_NO_MEMORY|no_memory|OUT_OF_MEMORY")

# MSE_MUTANT_REACHED names a file to which the numbers go that were asked about.
PRELUDE = """\
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
static inline bool mutant_is(int number)
{
	static int chosen = -1;
	static bool known[10000];
	static FILE *reached;
	const char *text;

	if (chosen < 0) {
		text = getenv("MSE_MUTANT");
		chosen = text ? (int)strtol(text, NULL, 10) : 0;
		text = getenv("MSE_MUTANT_REACHED");
		reached = text ? fopen(text, "a") : NULL;
		if (reached)
			(void)setvbuf(reached, NULL, _IOLBF, 0);
	}
	if (reached && !known[number]) {
		known[number] = true;
		(void)fprintf(reached, "%d\\n", number);
	}
	return chosen == number;
}
#line 1
"""


def blank(text):
    """The same text with comments and literals made blank, so that brackets and operators can be found."""
    def hide(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", hide, text, flags=re.S)


def closing(code, start):
    """Index of the bracket that closes the one at start."""
    depth = 0
    for i in range(start, len(code)):
        if code[i] in "([{":
            depth += 1
        elif code[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i
    raise ValueError("a bracket is open")


def statement_end(code, start):
    """Index behind the statement that begins at or after start."""
    while code[start].isspace():
        start += 1
    if code[start] == "{":
        return closing(code, start) + 1
    match = re.compile(r"(if|for|while)\s*\(").match(code, start)
    if match:
        end = statement_end(code, closing(code, match.end() - 1) + 1)
        other = re.compile(r"\s*else\b").match(code, end)
        return statement_end(code, other.end()) if other and match.group(1) == "if" else end
    depth = 0
    for i in range(start, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if code[i] == ";" and depth == 0:
            return i + 1
    raise ValueError("a statement has no end")


def operands(code, start, end, operator):
    """(start, end) of the parts of code[start:end] between operators that stand in no bracket."""
    parts, depth, begin, i = [], 0, start, start
    while i < end:
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if depth == 0 and code.startswith(operator, i):
            parts.append((begin, i))
            i += len(operator)
            begin = i
        else:
            i += 1
    parts.append((begin, end))
    return parts


class Mutants:
    def __init__(self):
        self.found = []  # (file, line, what, text)

    def add(self, file, place, what, text):
        """place: (line, function)."""
        self.found.append((file, place, what, " ".join(text.split())))
        return len(self.found)

    def file(self, number):
        return self.found[number - 1][0]

    def line(self, number):
        return self.found[number - 1][1][0]

    def name(self, number):
        """Stable as long as the code is: without the line."""
        file, (_, function), what, text = self.found[number - 1]
        return f"{file} {function}(): {what}: {text}"


def conditions(code, text):
    """(start, end, kind) of what decides about a refusal: kind "if", "unless" or "and"."""
    for match in re.finditer(r"\bif\s*\(", code):
        end = closing(code, match.end() - 1)
        body_end = statement_end(code, end + 1)
        body = text[end + 1:body_end]
        other = re.compile(r"\s*else\b").match(code, body_end)
        if NO_CHECK.search(body):
            continue
        if REFUSAL.search(body):
            yield match.end(), end, "if"
        elif other and REFUSAL.search(text[other.end():statement_end(code, other.end())]):
            yield match.end(), end, "unless"
    for match in re.finditer(r"\breturn\b", code):
        end = code.index(";", match.end())
        if "&&" in code[match.end():end] and "?" not in code[match.end():end]:
            yield match.end(), end, "and"


def edits_of(file, text, mutants):
    """(position, order, inserted text) of each mutant in a file."""
    code = blank(text)
    edits = []
    for start, end, kind in conditions(code, text):
        functions = re.findall(r"^\w[^;{}()=]*?\b(\w+)\(", code[:start], re.M)
        place = (code.count("\n", 0, start) + 1, functions[-1] if functions else "")
        for begin, finish in operands(code, start, end, "||" if kind == "if" else "&&"):
            part = text[begin:finish]
            if kind == "if":
                ignored = mutants.add(file, place, "ignored", part)
                turned = mutants.add(file, place, "turned round", part)
                tail = f") != mutant_is({turned})) && !mutant_is({ignored}))"
                edits.append((begin, finish, "((((bool)(" + part + ")" + tail))
            else:
                always = mutants.add(file, place, "taken as true", part)
                edits.append((begin, finish, f"((bool)({part}) | mutant_is({always}))"))
    return edits


def apply(text, edits):
    """Edits never overlap but where one condition contains another; the inner ones are then left out."""
    edits.sort(key=lambda edit: (edit[0], -edit[1]))
    pieces, at = [], 0
    for begin, finish, new in edits:
        if begin < at:
            continue
        pieces += [text[at:begin], new]
        at = finish
    return "".join(pieces) + text[at:]


def rewrite(tree, mutants):
    for pattern in SOURCES:
        for path in sorted(tree.glob(pattern)):
            file = str(path.relative_to(tree))
            if file in OUTPUT:
                continue
            text = path.read_text()
            path.write_text(PRELUDE + apply(text, edits_of(file, text, mutants)))


def copy_tree(target):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    shared = ROOT.parent / "shared"
    if shared.exists():
        (target.parent / "shared").symlink_to(shared.resolve())


def build(tree):
    """The paths of the test programs."""
    folder = tree / "build"
    subprocess.run(["meson", "setup", folder, "-Ddebug=false"], cwd=tree, check=True, stdout=subprocess.DEVNULL)
    programs = [f"test/unit/test_{suite}_{path.stem[5:]}" for suite in SUITES
                for path in sorted((tree / "test/unit" / suite).glob("test_*.c"))]
    known = subprocess.run(["ninja", "-C", folder, "-t", "targets", "all"], capture_output=True, text=True,
                           check=True).stdout
    programs = [program for program in programs if f"\n{program}: " in known and not NO_RULES.search(program)]
    assert programs, "no test program was found"
    subprocess.run(["ninja", "-C", folder, "--quiet", *programs], check=True)
    return [folder / program for program in programs]


def has_failure(process):
    """Ends the program at its first failure, which cmocka tells at once on standard error."""
    for line in process.stderr:
        if line.startswith("[  ERROR   ]"):
            process.kill()
            return True
    return False


def noticed_by(program, number, **more):
    """How one program fails with the mutant, or None."""
    tree = program.parents[3]
    with subprocess.Popen([program], env=dict(os.environ, MSE_MUTANT=str(number), MSE_TEST_SOURCE_DIR=str(tree), **more),
                          cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          errors="replace") as process:
        late = threading.Event()
        watchdog = threading.Timer(SECONDS, lambda: (late.set(), process.kill()))
        watchdog.start()
        failed = has_failure(process)
        process.wait()
        watchdog.cancel()
    if failed:
        return program.name
    if late.is_set():
        return f"{program.name} (no end)"
    return f"{program.name} (status {process.returncode})" if process.returncode else None


def try_out(programs):
    """{number: programs that come to it}, the quickest first; none may fail as it is."""
    times, reached, broken = {}, {}, []
    for program in programs:
        numbers = program.with_name(program.name + ".reached")
        start = time.monotonic()
        if noticed_by(program, 0, MSE_MUTANT_REACHED=str(numbers)):
            broken.append(program.name)
        times[program] = time.monotonic() - start
        for number in set(numbers.read_text().split()) if numbers.exists() else ():
            reached.setdefault(int(number), []).append(program)
    if broken:
        sys.exit(f"these tests fail without any change: {', '.join(broken)}")
    return {number: sorted(found, key=times.get) for number, found in reached.items()}


def judge(programs, number, stem, last):
    """last: of each file's stem, who noticed its last mutant and is asked first."""
    for program in sorted(programs, key=lambda p: (p != last.get(stem), stem not in p.name)):
        test = noticed_by(program, number)
        if test:
            last[stem] = program
            return test
    return None


def read_harmless():
    """Mutants that change nothing, by name, with the reason that follows the name's line."""
    lines = [line for line in HARMLESS.read_text().splitlines() if line and not line.startswith("#")]
    return {line for line in lines if not line.startswith("\t")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    mutants = Mutants()
    with tempfile.TemporaryDirectory(prefix="mse-mut-") as folder:
        tree = pathlib.Path(folder) / "tree"
        tree.mkdir()
        copy_tree(tree)
        rewrite(tree, mutants)
        numbers = [n for n in range(1, len(mutants.found) + 1)
                   if not options.only or any(only in mutants.name(n) for only in options.only)]
        if options.list:
            print("\n".join(mutants.name(n) for n in numbers))
            return 0
        reached = try_out(build(tree))
        harmless, alive, used, by_file = read_harmless(), [], set(), {}
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            last = {}
            jobs = {n: pool.submit(judge, reached.get(n, []), n, pathlib.Path(mutants.file(n)).stem, last) for n in numbers}
            for n, job in jobs.items():
                test = job.result()
                counts = by_file.setdefault(mutants.file(n), [0, 0, 0])
                counts[0] += 1
                if test is None and mutants.name(n) in harmless:
                    used.add(mutants.name(n))
                    counts[1] += 1
                elif test is None:
                    alive.append(n)
                    counts[2] += 1
                    print(f"{mutants.file(n)}:{mutants.line(n)}: nobody notices: {mutants.name(n)}", flush=True)
        for name in sorted(harmless - used if not options.only else ()):
            print(f"harmless.txt names what is noticed, or is not there: {name}")
    for file, (count, explained, unnoticed) in by_file.items():
        print(f"{file}: {count} changes, {explained} harmless, {unnoticed} not noticed")
    print(f"{len(numbers)} changes, {len(numbers) - len(alive) - len(used)} noticed, {len(used)} harmless, {len(alive)} not noticed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
