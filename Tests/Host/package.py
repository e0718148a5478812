# SPDX-License-Identifier: Apache-2.0
"""What can be seen of the package without installing it: python3 Tests/Host/package.py WMAILSERVER.deb"""

import os
import re
import subprocess
import sys
import tempfile

CHECKOUT = f"{os.path.dirname(os.path.abspath(__file__))}/../.."
MAXIMUM_BYTES = 15_000_000
WORKERS = ["master", "smtpd", "pop3d", "relayd", "authd"]
PROGRAMS = [f"usr/lib/wmailserver/{name}" for name in WORKERS] + ["usr/bin/wmail", "usr/sbin/sendmail"]
FILES = [
    *(f"usr/share/man/man{page[-1]}/{page}{'wmail' if page[:-2] in WORKERS else ''}.gz"
      for page in os.listdir(f"{CHECKOUT}/docs/man") if page[-2] == "."),
    *(f"usr/share/man/man1/{name}.1.gz" for name in ("mailq", "newaliases")),
    "usr/share/bash-completion/completions/wmail", "usr/share/zsh/vendor-completions/_wmail",
    "usr/share/fish/vendor_completions.d/wmail.fish",
    "usr/bin/mailq", "usr/bin/newaliases", "usr/lib/sendmail",
    *(f"lib/systemd/system/wmailserver-{name}.socket" for name in ("smtp", "smtps", "submission", "pop3", "pop3s")),
    "lib/systemd/system/wmailserver.service", "lib/systemd/system/wmailserver-metrics.service",
    "lib/systemd/system/wmailserver-metrics.timer", "lib/systemd/system-generators/wmailserver-generator",
    "usr/lib/sysusers.d/wmailserver.conf", "usr/lib/tmpfiles.d/wmailserver.conf",
    "etc/wmailserver/localMX.json", "etc/wmailserver/error.txt",
    *(f"usr/share/doc/wmailserver/{name}" for name in (
        "copyright", "changelog.gz", "changelog.Debian.gz", "NEWS.Debian.gz", "examples/letsencrypt/wmailserver")),
]
# Of Debian's base packages and of those in Depends.
LIBRARIES = {"libc", "libm", "libgcc_s", "libstdc++", "libssl", "libcrypto", "libcrypt", "libidn",
             "libsystemd", "ld-linux-x86-64"}
failures = []


def expect(condition, what):
    print(f"{'ok' if condition else 'FAILED'}: {what}")
    if not condition:
        failures.append(what)


def output(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def check_program(root, name):
    path = f"{root}/{name}"
    facts = output("readelf", "-W", "--file-header", "--program-headers", "--dynamic", "--sections", path)
    names = output("readelf", "-W", "--dyn-syms", path)
    expect(re.search(r"Type:\s+DYN", facts) and "INTERP" in facts, f"{name}: position independent")
    expect("GNU_RELRO" in facts and re.search(r"FLAGS_1.*NOW", facts), f"{name}: addresses read-only after the start")
    expect("__stack_chk_fail" in names, f"{name}: canaries on the stack")
    expect(not re.search(r"GNU_STACK.*RWE", facts), f"{name}: no stack that can be executed")
    expect(".symtab" not in facts and ".debug_info" not in facts, f"{name}: stripped")
    expect("RUNPATH" not in facts and "RPATH" not in facts, f"{name}: looks for libraries in the system's places alone")
    needed = {library.split(".so")[0] for library in re.findall(r"NEEDED.*\[(.*?)\]", facts)}
    expect(needed <= LIBRARIES, f"{name}: needs Debian's {', '.join(sorted(needed))} alone")


def check_completion(root):
    for shell, path in (("bash", "usr/share/bash-completion/completions/wmail"),
                        ("zsh", "usr/share/zsh/vendor-completions/_wmail"),
                        ("fish", "usr/share/fish/vendor_completions.d/wmail.fish")):
        text = open(f"{root}/{path}").read()
        expect("queue" in text and "wmail" in text, f"{shell} completes the commands of wmail")
    words = f"source '{root}/usr/share/bash-completion/completions/wmail'; complete -p wmail; " \
            "COMP_WORDS=(wmail que); COMP_CWORD=1; COMP_LINE='wmail que'; COMP_POINT=9; " \
            "$(complete -p wmail | sed 's/.*-F \\([^ ]*\\).*/\\1/') wmail que wmail; printf 'reply %s\\n' \"${COMPREPLY[@]}\""
    expect("reply queue" in output("bash", "-c", words), "bash completes que to queue")


def check(package):
    size = os.path.getsize(package)
    expect(size < MAXIMUM_BYTES, f"{size / 1e6:.1f} MB are less than {MAXIMUM_BYTES / 1e6:.0f}")
    fields = output("dpkg-deb", "--field", package)
    for field in ("Provides", "Conflicts", "Replaces"):
        expect(re.search(rf"^{field}:.*\bmail-transport-agent\b", fields, re.M), f"{field}: mail-transport-agent")
    listing = output("dpkg-deb", "--contents", package).splitlines()
    special = [line for line in listing if line[0] != "l" and (re.search("[sStT]", line[1:10]) or line[8] == "w")
               or line.split()[1] != "root/root"]
    expect(not special, f"no setuid or setgid bit, nothing that everybody may write, all root's {special[:3]}")
    with tempfile.TemporaryDirectory() as root:
        output("dpkg-deb", "--extract", package, root)
        for name in PROGRAMS + FILES:
            if not os.path.lexists(f"{root}/{name}"):
                expect(False, f"{name} is in the package")
        for name in PROGRAMS:
            check_program(root, name)
        for name in FILES:
            if "/man/" in name and os.path.exists(f"{root}/{name}"):
                faults = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", f"{root}/{name}"],
                                        capture_output=True, text=True, env={**os.environ, "MANWIDTH": "120"}).stderr
                expect(not faults, f"{os.path.basename(name)} reads without warnings {faults[:200]}")
        check_completion(root)
        hook = f"{root}/usr/share/doc/wmailserver/examples/letsencrypt/wmailserver"
        expect(os.access(hook, os.X_OK), "certbot can run the deploy hook")
    lintian = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package], capture_output=True,
                             text=True)
    expect(lintian.returncode == 0, f"lintian has neither errors nor warnings {lintian.stdout}{lintian.stderr}")


if __name__ == "__main__":
    check(sys.argv[1])
    print(f"{len(failures)} failed")
    sys.exit(1 if failures else 0)
