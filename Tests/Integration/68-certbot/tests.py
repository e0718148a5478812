# SPDX-License-Identifier: Apache-2.0
"""certbot itself, with an authority of its own kind (pebble), renews a certificate, and its deploy hook brings it here."""

import json
import os
import socket
import ssl
import subprocess

from harness import Server, eventually, expect, expect_equal, needs_root, needs_tool, timeout
from harness.remote import address

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
NAME = "mail.example.test"


class Authority:
    """pebble, which believes whoever asks for a name."""

    def __init__(self, folder):
        self.folder = folder
        self.directory = f"https://{address(5)}:14000/dir"

    def __enter__(self):
        key, certificate = f"{self.folder}/authority.key", f"{self.folder}/authority.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", "/CN=pebble", "-addext", f"subjectAltName=IP:{address(5)}", "-keyout", key, "-out", certificate)
        with open(f"{self.folder}/pebble.json", "w") as file:
            json.dump({"pebble": {
                "listenAddress": f"{address(5)}:14000", "managementListenAddress": f"{address(5)}:15000",
                "certificate": certificate, "privateKey": key, "httpPort": 5002, "tlsPort": 5001}}, file)
        with open(f"{self.folder}/pebble.log", "wb") as log:
            self.process = subprocess.Popen(
                ["pebble", "-config", f"{self.folder}/pebble.json"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "PEBBLE_VA_ALWAYS_VALID": "1", "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"})
        eventually(self._answers, "pebble answers", 10)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def _answers(self):
        try:
            socket.create_connection((address(5), 14000), timeout=2).close()
            return True
        except OSError:
            return False

    def certbot(self, *words, **environment):
        etc = f"{self.folder}/letsencrypt"
        run("certbot", *words, "-n", "--config-dir", etc, "--work-dir", f"{self.folder}/work", "--logs-dir",
            f"{self.folder}/logs", "--no-verify-ssl", "--no-random-sleep-on-renew", env={**os.environ, **environment})

    def first(self, *names):
        self.certbot("certonly", "--standalone", "--http-01-address", address(6), "--http-01-port", "5002", "--agree-tos",
                     "--register-unsafely-without-email", "--server", self.directory,
                     *(word for name in names for word in ("-d", name)))


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **how)
    expect(done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}")


def shown(server):
    """The certificate that the server shows, as octets."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((server.address, server.ports["smtps"]), timeout=10) as connection:
        with context.wrap_socket(connection) as secure:
            return secure.getpeercert(binary_form=True)


def lineage(folder, name):
    with open(f"{folder}/letsencrypt/live/{name}/cert.pem") as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


@needs_root
@needs_tool("certbot", "pebble", "openssl")
@timeout(90)
def test_certbot_renews_and_its_hook_brings_the_new_certificate():
    folder = os.environ["WMAIL_TESTS_FOLDER"]
    with Server() as server, Authority(folder) as authority:
        authority.first(NAME, "www.example.test")
        authority.first("www.elsewhere.test")
        deploy = f"{folder}/letsencrypt/renewal-hooks/deploy"
        expect(os.path.isdir(deploy), "certbot makes the folder of deploy hooks")
        os.symlink(f"{CHECKOUT}/packaging/letsencrypt/wmailserver", f"{deploy}/wmailserver")
        hook = {"WMAIL_SSL": f"{server.root}/config/ssl", "WMAIL_NAME": "example.test"}
        before = lineage(folder, NAME)
        # In the order of their names: somebody else's comes last, and is not taken.
        authority.certbot("renew", "--force-renewal", **hook)
        renewed = lineage(folder, NAME)
        expect(renewed != before, "certbot has renewed it")
        with open(f"{server.root}/config/ssl/cert.pem") as file:
            expect_equal(ssl.PEM_cert_to_DER_cert(file.read()), renewed, "the certificate that lies with the server")
        status = os.stat(f"{server.root}/config/ssl/key.pem")
        expect_equal(status.st_mode & 0o7777, 0o640, "the key's rights")
        server.reload()
        eventually(lambda: shown(server) == renewed, "the server shows the renewed certificate", 10)
