# SPDX-License-Identifier: Apache-2.0
"""The shared library exports what the header declares, and what its list says: nothing more, nothing less."""
import re
import subprocess
import sys

library, listing, *headers = sys.argv[1:]
nm = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
exported = {line.split()[2].split("@")[0] for line in nm.splitlines() if line.split()[1] == "T"}
declared = set(re.findall(r"^[a-z][\w \*]*?\b(attest_\w+)\(", "".join(open(header).read() for header in headers), re.MULTILINE))
listed = set(re.findall(r"^\t(attest_\w+);", open(listing).read(), re.MULTILINE))
for name, found in (("headers", declared), ("list", listed)):
    for symbol in sorted(exported ^ found):
        print(f"'{symbol}' is {'only in the library' if symbol in exported else f'only in the {name}'}")
sys.exit(0 if exported and exported == declared == listed else 1)
