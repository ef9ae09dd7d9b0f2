# SPDX-License-Identifier: Apache-2.0
"""The shells' completions, sourced by the shells themselves: what TAB offers at the end of a line."""
import subprocess

import pytest

BASH = 'source "$1"; function="$2"; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); "$function"; printf "%s\\n" "${COMPREPLY[@]}"'
ZSH = """
_describe() { local row; for row in "${(@P)2}"; do print -r -- "${row%%:*}"; done }
_files() { :; }
_arguments() { print -rl -- "$@" | sed -n "s/^\\(--[a-z0-9-]*\\)\\[.*/\\1/p"; }
file="$1"; shift; words=("$@"); CURRENT=$#; source "$file"
"""
FISH = 'source $argv[1]; complete -C $argv[2] | string split -f1 \\t'

GLOBAL = {"--color", "--help", "--version"}
CONTEXT = {"--list", "--remove", "--purge", "--export", "--output", "--json", *GLOBAL}
FIRST = {"attest", "cloud", "connect", "context", "deploy", "image", "init", "list", "localtest", "login", "logout",
         "logs", "scaffold", "sgx", "status", "stop", "test", "trust", "verify"}

# What TAB offers, of words that begin as the last one does.
LINES = [
    ("mse ", FIRST),
    ("mse --", GLOBAL),
    ("mse clo", {"cloud"}),
    ("mse sta", {"status"}),
    ("mse cloud context --ex", {"--export"}),
    ("mse image ", {"bill", "key", "sign", "verify"}),
    ("mse cloud trust ", {"add", "add-publisher", "list", "remove", "remove-publisher"}),
    ("mse trust remove-", {"remove-publisher"}),
    # Behind an argument, the value of an option, and options before the command.
    ("mse cloud verify example.org --c", {"--code", "--color", "--context"}),
    ("mse cloud deploy --path x --w", {"--workspace"}),
    ("mse verify --context c.toml --co", {"--code", "--color", "--context"}),
    ("mse --color never li", {"list"}),
    ("mse --color never cloud li", {"list"}),
    ("mse context --remove 1 --", CONTEXT),
    ("mse status list --js", {"--json"}),
    ("mse logs -h --j", set()),
    # The value itself.
    ("mse verify --color ", {"auto", "never", "always"}),
    ("mse attest fresh --role ", {"1", "2"}),
    ("mse attest verify --report-data a", set()),
    # Nothing of ours.
    ("mse nothing --", set()),
    ("mse connect example.org -- --", set()),
]

SERVE_LINES = [
    ("mse-serve --interf", {"--interface"}),
    ("mse-serve --interface ", {"auto", "wsgi", "asgi"}),
    ("mse-serve --bind 127.0.0.1 app --work", {"--workers"}),
    ("mse-serve --bind --work", set()),
]


def split(line, shell):
    """The words as the shell hands them on: bash parts them at '=' too."""
    line = line.replace("=", " = ").rstrip(" ") + line[len(line.rstrip(" ")):] if shell == "bash" else line
    return line.split() + ([""] if line.endswith(" ") else [])


def offers(root, shell, program, line, tmp_path):
    words, files = split(line, shell), root / "completion"
    argv = {"bash": ["bash", "-c", BASH, "bash", files / f"{program}.bash", f"_{program.replace('-', '_')}", *words],
            "zsh": ["zsh", "-f", "-c", ZSH, "zsh", files / f"_{program}", *words],
            "fish": ["fish", "--no-config", "-c", FISH, files / f"{program}.fish", line]}[shell]
    # An empty folder: where nothing of ours fits, the shells offer files. zsh compares the last word itself.
    done = subprocess.run(argv, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
                          capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    begin = "" if words[-1] == "=" else words[-1]
    return {word for word in done.stdout.split("\n") if word and word.startswith(begin)}


@pytest.mark.parametrize("line, wanted", LINES)
def test_what_tab_offers(root, tmp_path, line, wanted):
    for shell in ("bash", "zsh", "fish"):
        assert offers(root, shell, "mse", line, tmp_path) == wanted, shell


def test_a_value_behind_an_equals_sign(root, tmp_path):
    assert offers(root, "bash", "mse", "mse --color=", tmp_path) == {"auto", "never", "always"}
    assert offers(root, "bash", "mse", "mse --color=al", tmp_path) == {"always"}
    assert offers(root, "bash", "mse", "mse --color=never li", tmp_path) == {"list"}
    assert offers(root, "bash", "mse-serve", "mse-serve --interface=ws", tmp_path) == {"wsgi"}
    for shell in ("zsh", "fish"):
        assert offers(root, shell, "mse", "mse --color=never li", tmp_path) == {"list"}, shell


@pytest.mark.parametrize("line, wanted", SERVE_LINES)
def test_what_tab_offers_of_mse_serve(root, tmp_path, line, wanted):
    assert offers(root, "bash", "mse-serve", line, tmp_path) == wanted
    if not line.endswith(" ") and wanted:
        assert offers(root, "zsh", "mse-serve", line, tmp_path) >= wanted
        assert offers(root, "fish", "mse-serve", line, tmp_path) == wanted
