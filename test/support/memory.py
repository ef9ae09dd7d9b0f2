# SPDX-License-Identifier: Apache-2.0
"""Searches processes and folders for a secret in every form it might leak in."""
import base64
import os
import pathlib

CHUNK = 16 << 20
SHORTEST = 12  # a shorter needle would be found by chance


def forms(secret):
    """{name: bytes} of the encodings somebody may have stored secret in, raw first.

    base64 of a secret inside a longer text depends on its position: all three alignments are looked for, without the
    characters at the ends that neighbours would change.
    """
    found = {"raw": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    for shift in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            text = encode(b"\0" * shift + secret + b"\0" * 3)
            first = -(-shift * 8 // 6)
            whole = (shift + len(secret)) * 8 // 6
            found[f"{name}+{shift}"] = text[first:whole]
    return {name: needle for name, needle in found.items() if len(needle) >= SHORTEST}


def regions(pid):
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, permissions = line.split()[:2]
        if permissions.startswith("r") and not line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            start, end = (int(x, 16) for x in span.split("-"))
            yield start, end


def pieces(fd, start, end, overlap):
    at = start
    while at < end:
        try:
            data = os.pread(fd, min(CHUNK, end - at), at)
        except OSError:
            return
        if not data:
            return
        yield data
        if at + len(data) >= end:
            return
        at += max(len(data) - overlap, 1)


def in_process(pid, needles):
    """Names of the needles (name -> bytes) in the memory, environment and command line of a process."""
    overlap = max(map(len, needles.values()))
    found = set()
    fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        for start, end in regions(pid):
            for data in pieces(fd, start, end, overlap):
                found |= {name for name, needle in needles.items() if needle in data}
    finally:
        os.close(fd)
    for name in ("environ", "cmdline"):
        data = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
        found |= {name for name, needle in needles.items() if needle in data}
    return found


def in_folder(folder, needles):
    """{file: names of needles} over every regular file below folder, names included."""
    overlap = max(map(len, needles.values()))
    found = {}
    for path in pathlib.Path(folder).rglob("*"):
        names = {name for name, needle in needles.items() if needle in str(path).encode()}
        if path.is_file() and not path.is_symlink():
            with open(path, "rb") as file:
                size = path.stat().st_size
                for data in pieces(file.fileno(), 0, size, overlap):
                    names |= {name for name, needle in needles.items() if needle in data}
        if names:
            found[str(path)] = names
    return found
