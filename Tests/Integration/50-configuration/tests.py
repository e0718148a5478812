# SPDX-License-Identifier: Apache-2.0
"""What master makes of configuration files: good ones, wrong ones, none, and those of the Python program."""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time

from harness import PASSWORD, Server, eventually, expect, expect_equal, make_certificate
from harness import messages


def refused(server):
    """Starts master with a wrong configuration; returns what it said."""
    started = time.monotonic()
    done = subprocess.run(server.command, capture_output=True, timeout=20)
    said = done.stderr.decode()
    expect(time.monotonic() - started < 10, "it took too long")
    expect(0 < done.returncode < 128, f"it ended with {done.returncode}: {said}")
    return said


def changed(path, change):
    """A server whose file was changed as text and that does not run."""
    server = Server(start=False)
    with open(f"{server.root}/{path}") as file:
        text = file.read()
    new = change(text)
    expect(new != text, f"the mistake was made in\n{text}")
    server.write(path, new)
    return server


CONFIG = "config/config.json"

# What is wrong, where, and what the one line must name.
MISTAKES = [
    ("an unknown key", CONFIG, lambda t: t.replace('"SMTPServices"', '"SMTPServises"'),
     ["config.json:3", "SMTPServises", "SMTPServices"]),
    ("an unknown key of a service", CONFIG, lambda t: t.replace('"bindIP"', '"bindIp"', 1),
     ["config.json", "bindIp", "bindIP"]),
    ("a wrong type", CONFIG, lambda t: t.replace('"ssl": false', '"ssl": "no"', 1), ["config.json", "ssl"]),
    ("a port that is none", CONFIG, lambda t: re.sub(r'"2\d\d\d"', '"25250000"', t, count=1), ["config.json", "25250000"]),
    ("a number out of range", CONFIG, lambda t: t.replace('"ipMaxPwdTry": 5', '"ipMaxPwdTry": -5'),
     ["config.json", "ipMaxPwdTry"]),
    ("a group that is not there", CONFIG, lambda t: t.replace('"userGroup": "default"', '"userGroup": "defualt"', 1),
     ["config.json", "defualt"]),
    ("no address", CONFIG, lambda t: re.sub(r'"bindIP": "[\d.]+"', '"bindIP": "127.0.0.x"', t, count=1),
     ["config.json", "127.0.0.x"]),
    ("no JSON", CONFIG, lambda t: t[:-20], ["config.json"]),
    ("a key twice", CONFIG, lambda t: t.replace('"hostname":', '"hostname": "x.test", "hostname":', 1),
     ["config.json", "hostname"]),
    ("a certificate that is not there", CONFIG, lambda t: t.replace("cert.pem", "gone.pem"), ["gone.pem"]),
    ("a certificate that is none", "config/ssl/cert.pem", lambda t: "nothing\n", ["cert.pem"]),
]


def test_each_mistake_is_named_in_one_line():
    for what, path, change, words in MISTAKES:
        server = changed(path, change)
        said = refused(server)
        lines = [line for line in said.splitlines() if " event=" not in line]
        expect_equal(len(lines), 1, f"{what}: lines besides the log in\n{said}")
        for word in words:
            expect(word in lines[0], f"{what}: the line lacks {word}: {lines[0]}")


def test_a_key_of_another_certificate_is_refused():
    server = Server(start=False)
    make_certificate(f"{server.root}.other")
    shutil.copy(f"{server.root}.other/key.pem", f"{server.root}/config/ssl/key.pem")
    said = refused_or_ended(server)
    expect("cert.pem" in said or "key.pem" in said or "certificate" in said, f"it said: {said}")


def refused_or_ended(server):
    """For mistakes that only a worker can see: master must not go on as if nothing were."""
    try:
        return refused(server)
    except subprocess.TimeoutExpired as expired:
        raise AssertionError(f"master goes on: {(expired.stderr or b'').decode()}") from None


def test_mistakes_in_group_json_are_named():
    for what, change, words in [
        ("no JSON", lambda t: t[:-5], ["group.json"]),
        ("an unknown key", lambda t: t.replace('"bindDomains"', '"bindDomain"'), ["group.json", "bindDomain"]),
        ("an unknown permission", lambda t: t.replace('"sendlocal"', '"sendlokal"', 1), ["group.json", "sendlokal"]),
    ]:
        server = changed("usermanager/default/group.json", change)
        said = refused_or_ended(server)
        for word in words:
            expect(word in said, f"{what}: it said: {said}")


def test_a_root_that_is_not_there():
    server = Server(start=False)
    done = subprocess.run([server.command[0], "--root", f"{server.root}/gone"], capture_output=True, timeout=10)
    expect(done.returncode != 0, "it ended with 0")
    expect("/gone" in done.stderr.decode(), f"it said: {done.stderr.decode()}")


def test_wrong_options():
    server = Server(start=False)
    for words in (["--rot", server.root], ["--root"], ["more"]):
        done = subprocess.run([server.command[0], *words], capture_output=True, timeout=10, cwd="/")
        expect(done.returncode != 0, f"{words} was taken")
        expect(done.stderr, f"nothing was said about {words}")


def test_check_only_checks():
    with Server() as server:
        good = subprocess.run([*server.command, "--check"], capture_output=True, timeout=10)
        expect_equal(good.returncode, 0, f"--check beside the running server: {good.stderr.decode()}")
    server = changed(CONFIG, lambda t: t.replace('"SMTPServices"', '"SMTPServises"'))
    bad = subprocess.run([*server.command, "--check"], capture_output=True, timeout=10)
    expect(bad.returncode != 0, "--check took a mistake")


def test_comments_and_trailing_commas():
    server = changed(CONFIG, lambda t: "// a comment\n" + t.replace("}\n", "},\n", 1) + "/* the end */\n")
    with server.running():
        server.send(messages.simple("with comments"))
        server.wait_for_mail("alice")


def test_first_start_in_an_empty_folder():
    """It makes the folders and a certificate, no account with a known password, and listens on loopback only."""
    server = Server(start=False)
    for name in os.listdir(server.root):
        shutil.rmtree(f"{server.root}/{name}")
    with open(server.log_path, "ab") as log:
        server.master = subprocess.Popen(server.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        def done():
            paths = ["config/config.json", "usermanager/default/group.json", "queue/local"]
            return all(os.path.exists(f"{server.root}/{path}") for path in paths)
        eventually(done, f"the files are made: {server.log()}", 15)
        with open(f"{server.root}/usermanager/default/group.json") as file:
            text = re.sub(r"^\s*//.*", "", file.read(), flags=re.M)
        expect_equal(json.loads(text).get("users", {}), {}, "accounts after the first start")
        with open(f"{server.root}/config/config.json") as file:
            text = file.read()
        for address in re.findall(r'"bindIP"\s*:\s*("[^"]*"|\[[^\]]*\])', text):
            expect("0.0.0.0" not in address and '"::"' not in address, f"it listens on {address}")
        expect(glob.glob(f"{server.root}/config/ssl/*.pem"), "a certificate is made")
        for path in glob.glob(f"{server.root}/config/ssl/*key*"):
            expect_equal(oct(os.stat(path).st_mode & 0o007), "0o0", f"others' rights to {path}")
    finally:
        if server.master.poll() is None:
            server.master.send_signal(signal.SIGTERM)
            server.master.wait(6)


# The samples

def at_our_ports(text, address, ports):
    """A configuration's ports and addresses, exchanged for some of our own."""
    for old, new in ports.items():
        text = re.sub(rf'"{old}"(\s*:)', rf'"{new}"\1', text)
    return re.sub(r'"bindIP"(\s*:\s*)(?:"[^"]*"|\[[^\]]*\])', rf'"bindIP"\1"{address}"', text)


USUAL_PORTS = {25: 2525, 465: 2465, 587: 2587, 110: 2110, 995: 2995}


def test_the_server_starts_on_the_samples():
    samples = f"{os.environ['WMAIL_CHECKOUT']}/samples"
    server = Server(start=False)
    for name in ("config", "usermanager"):
        shutil.rmtree(f"{server.root}/{name}")
        shutil.copytree(f"{samples}/{name}", f"{server.root}/{name}")
    for name in ("config/config.json", "config/localMX.json", "config/error.txt", "usermanager/default/group.json"):
        expect(os.path.exists(f"{server.root}/{name}"), f"samples/{name} is there")
    with open(f"{server.root}/{CONFIG}") as file:
        text = file.read()
    with open(f"{server.root}/{CONFIG}", "w") as file:
        file.write(at_our_ports(text, server.address, USUAL_PORTS))
    with open(f"{samples}/usermanager/default/group.json") as file:
        group = file.read()
    os.makedirs(f"{server.root}/config/ssl", exist_ok=True)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(f"{os.environ['WMAIL_TESTS_CERTIFICATE']}/{name}", f"{server.root}/config/ssl/{name}")
    server.config = json.loads(without_comments(at_our_ports(text, server.address, USUAL_PORTS)))
    group = json.loads(without_comments(group))
    user = next(iter(group["users"]))
    domain = group["bindDomains"][0]
    with server.running():
        server.send(messages.simple("to a sample user"), to=f"{user}@{domain}")
        server.wait_for_mail(user)


def without_comments(text):
    """JSON of JSON5, as far as the samples use it."""
    text = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda m: m[1] or "", text, flags=re.S)
    return re.sub(r",(\s*[}\]])", r"\1", text)


# The Python program's files

PYTHON_CONFIG = """
{
    "SMTPServices": {
        "settings": {
            "capabilities": ["PIPELINING", "SIZE 73400320", "STARTTLS", "AUTH LOGIN PLAIN", "AUTH=LOGIN", "SMTPUTF8",
                             "8BITMIME"],
            "timeout": 30,
            "ioTimeout": 60,
            "maxMessageSize": 1,
            "maxRecipients": 5,
            "directPorts": [25]
        },
        "services": {
            "25": {"bindIP": "0.0.0.0", "ssl": false, "userGroup": "default"},
            "465": {"bindIP": "0.0.0.0", "ssl": true, "userGroup": "default"}
        },
        "MailRelay": {
            "enable": true,
            "relayHost": "relay.invalid",
            "relayPort": 80,
            "relayUsername": "me",
            "relayPassword": "secret-of-the-relay",
            "ssl": false,
            "useRelayUsernameAsSender": true,
            "useRelayUserAsSender": false,
            "timeout": 10
        },
        "SMTPWhiteList": {"mode": "disable", "whitelist": [], "blacklist": ["*.spam.test"]}
    },
    "POP3Services": {
        "settings": {"maxSpeed": 0.5, "idleTimeout": 300, "handshakeTimeout": 10, "maxConnections": 512},
        "services": {
            "110": {"bindIP": "0.0.0.0", "ssl": false, "userGroup": "default"},
            "995": {"bindIP": "0.0.0.0", "ssl": true, "userGroup": "default"}
        }
    },
    "UserGroups": {
        "default": {
            "errorPath": "./config/error.txt",
            "sslCert": {
                "cert": "./config/ssl/cert.pem",
                "key": "./config/ssl/key.pem",
                "ca": "./config/ssl/ca.pem"
            }
        }
    },
    "SMTPSettings": {"connectTimeout": 10, "timeout": 30, "ioTimeout": 30, "starttlsEnable": true,
                     "allowAnonymousRelay": false, "disableSslPorts": [], "disable_ssl_ports": []},
    "mailTry": ["relay", "direct"],
    "nodirect": ["gmail.com"],
    "wMailServerSettings": {"tempPath": "./temp", "ipMaxPwdTry": 5, "ipBlockSeconds": 3600, "maxCmdError": 5,
                            "cmdBlockSeconds": 60}
}
"""

PYTHON_GROUP = {
    "users": {
        name: {
            "password": PASSWORD, "permissions": ["receive", "sendlocal", "sendrelay", "sendoutside"],
            "path": f"./usermanager/default/users/{name}",
        } for name in ("admin", "admin2")
    },
    "bindDomains": ["localhost", "127.0.0.1", "localhost.com"],
}


def test_the_python_programs_files_work_as_they_are():
    server = Server(start=False)
    text = at_our_ports(PYTHON_CONFIG, server.address, {25: 2525, 465: 2465, 110: 2110, 995: 2995})
    server.write(CONFIG, text)
    server.config = json.loads(text)
    server.write("usermanager/default/group.json", PYTHON_GROUP)
    server.write("config/localMX.json", {"gmail.com": {"smtp": "smtp.gmail.com", "ports": [465, 587]}})
    server.write("config/error.txt", "Date: $TIME\nFrom: <$MAIL_FROM>\nTo: <$MAIL_TO>\nSubject: $TITLE\n\n$REASON\n")
    with server.running():
        message = messages.simple("old")
        server.send(message, to=["admin@localhost", "admin2@LOCALHOST.com"])
        server.wait_for_mail("admin")
        server.wait_for_mail("admin2")
        expect_equal(messages.without_trace(server.fetch_all("admin")[0]), message, "admin's message")
        own = messages.simple("own", sender="admin@localhost")
        server.send(own, sender="admin@localhost", to="admin2@localhost", service="smtps", login="admin@localhost")
        server.wait_for_mail("admin2", 2)
        with server.smtp() as client:
            # maxMessageSize is in MB and is told truthfully, whatever the old list of capabilities says.
            expect_equal(client.esmtp_features["size"], str(1 << 20), "SIZE")
            client.mail("outside@elsewhere.test")
            codes = [client.rcpt(f"admin{tag}@localhost")[0] for tag in ("", "2")]
            expect_equal(codes, [250, 250], "recipients")
        expect("secret-of-the-relay" not in server.log(), "the relay's password is not in the log")
