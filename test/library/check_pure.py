# SPDX-License-Identifier: Apache-2.0
"""The shared library asks for no clock, time zone, environment, file or network of its own (mse/attest.h)."""
import subprocess
import sys

CLOCKS = "clock_gettime clock gettimeofday time timegm mktime gmtime gmtime_r localtime localtime_r strftime strptime tzset"
ENVIRONMENT = "getenv secure_getenv setenv putenv setlocale newlocale"
FILES = "open openat fopen fopen64 open64 creat stat fstat access read write close opendir unlink popen system syslog"
NETWORK = "socket connect bind listen accept send sendto recv recvfrom getaddrinfo gethostbyname"
OTHERS = "printf puts vprintf fprintf exit _exit fork signal sigaction pthread_create dlopen rand random srand"

library = sys.argv[1]
names = subprocess.run(["nm", library], check=True, capture_output=True, text=True).stdout
if "__gcov" in names or "__llvm_profile" in names:
    print("built to measure coverage, which itself writes files")
    sys.exit(77)
nm = subprocess.run(["nm", "-D", "--undefined-only", library], check=True, capture_output=True, text=True).stdout
wanted = {line.split()[-1].split("@")[0] for line in nm.splitlines()}
# As the compiler's checked variants write them, too: __printf_chk, __open_2.
plain = {name.removeprefix("__").removesuffix("_chk").removesuffix("_2") for name in wanted} | wanted
forbidden = plain & set(f"{CLOCKS} {ENVIRONMENT} {FILES} {NETWORK} {OTHERS}".split())
for name in sorted(forbidden):
    print(f"the library calls '{name}'")
sys.exit(1 if forbidden or "malloc" not in wanted else 0)
