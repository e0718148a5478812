# SPDX-License-Identifier: Apache-2.0
"""Hosts with Postfix, Exim and OpenSMTPD, as unpacked by packaging/dependencies: each takes mail for its domains on port
25 with STARTTLS and on 465 with TLS, sends by MX records, and lets the laboratory's own address send anywhere.

Each domain has the mailboxes "inbox" and, where the server can, "grün"; "forward" leads to somebody who does not exist
elsewhere.
"""

import os
import smtplib

from network import Host, address4, address6
from harness.postfix import SERVICES

USERS = {"postfix": 64001, "postdrop": 64002, "opensmtpd": 64003, "opensmtpq": 64004, "Debian-exim": 64005,
         "inbox": 64006}
SMARTHOST_LOGIN = ("relay", "let me through")
UTF8_MAILBOX = "grün"


def domains(name):
    """Those of a host: by both families, by IPv4 and by IPv6 alone, by localMX.json, without MX, by an alias."""
    return [f"{prefix}{name}.test" for prefix in ("", "v4.", "v6.", "tls.", "bare.", "alias.", "backup.")]


class Peer(Host):
    """Another mail server."""

    package = None
    has_utf8 = True
    # Who owns the mailboxes.
    owner = "inbox"

    def __init__(self, network, name, folder, packages, certificate, nobody):
        """
        packages: the folder of unpacked packages.
        certificate: a file with the key and the certificates.
        nobody: the address that "forward" leads to.
        """
        super().__init__(network, name, folder)
        self.package = os.path.join(packages, type(self).package)
        self.domains, self.nobody = domains(name), nobody
        self.key, self.certificate = certificate
        for path in ("/etc/passwd", "/etc/group"):
            self.place(self._with_users(path), path)
        self.boxes = self.make("boxes", USERS[self.owner])
        self.configure()

    def _with_users(self, path):
        with open(path) as file:
            lines = [line for line in file.read().splitlines() if line.split(":")[0] not in USERS]
        for name, number in USERS.items():
            lines.append(f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin" if "passwd" in path else
                         f"{name}:x:{number}:")
        return self.write(os.path.basename(path), "\n".join(lines) + "\n")

    def mailbox(self, user="inbox"):
        """The contents of a mailbox's messages."""
        found = []
        for part in ("new", "cur"):
            folder = f"{self.boxes}/{user}/{part}"
            if os.path.isdir(folder):
                for name in sorted(os.listdir(folder)):
                    with open(f"{folder}/{name}", "rb") as file:
                        found.append(file.read())
        return found

    def greets(self):
        try:
            with smtplib.SMTP(self.address, 25, "client.test", timeout=5) as client:
                client.noop()
            with smtplib.SMTP(self.address6, 25, "client.test", timeout=5) as client:
                client.noop()
            return True
        except (OSError, smtplib.SMTPException):
            return False

    def smtp(self):
        """A client that may send anywhere."""
        return smtplib.SMTP(self.address, 25, "client.test", timeout=30)


class Postfix(Peer):
    package = "postfix"

    def configure(self):
        folder = self.folder
        self.make("data", USERS["postfix"])
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved",
                     "trace", "maildrop", "public", "pid"):
            self.make(f"spool/{name}", 0 if name == "pid" else USERS["postfix"])
        self.place(f"{self.package}/usr/lib/postfix", "/usr/lib/postfix")
        os.makedirs("/usr/lib/postfix", exist_ok=True)
        boxes = [(f"{user}@{domain}", user) for domain in self.domains for user in ("inbox", UTF8_MAILBOX)]
        self.write("conf/boxes", "".join(f"{address} {user}/\n" for address, user in boxes))
        self.write("conf/aliases", "".join(f"forward@{domain} {self.nobody}\n" for domain in self.domains))
        self.write("conf/main.cf", f"""
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = {self.package}/usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{self.name}.test
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = all
mynetworks = {address4(1)}/32
smtp_address_preference = any
virtual_mailbox_domains = {' '.join(self.domains)}
virtual_mailbox_base = {self.boxes}
virtual_mailbox_maps = texthash:{folder}/conf/boxes
virtual_alias_maps = texthash:{folder}/conf/aliases
virtual_uid_maps = static:{USERS['inbox']}
virtual_gid_maps = static:{USERS['inbox']}
smtpd_tls_chain_files = {self.key}, {self.certificate}
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
smtp_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtputf8_enable = yes
queue_run_delay = 3s
minimal_backoff_time = 3s
smtpd_sasl_authenticated_header = yes
maillog_file = /dev/stdout
""")
        services = "25 inet n - n - - smtpd\n465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
        # As a smarthost with logins; on 588 it knows no PLAIN.
        smarthost = " inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes" \
            " -o mynetworks= -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject"
        services += f"587{smarthost}\n588{smarthost} -o smtpd_sasl_mechanism_filter=login\n{SERVICES}"
        self.write("conf/master.cf", services)
        self._configure_passwords()

    def _configure_passwords(self):
        """Dovecot checks the passwords, as most who run Postfix have it."""
        user, password = SMARTHOST_LOGIN
        passwords = self.write("conf/passwords", f"{user}:{{PLAIN}}{password}\n")
        self.write("conf/dovecot.conf", f"""
base_dir = {self.folder}/dovecot
log_path = /dev/stderr
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {passwords}
}}
userdb {{
  driver = static
  args = uid=inbox gid=inbox home=/nonexistent
}}
service auth {{
  unix_listener {self.folder}/spool/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
""")

    def boot(self):
        self.start("/usr/sbin/dovecot", "-F", "-c", f"{self.folder}/conf/dovecot.conf")
        self.start("/usr/lib/postfix/sbin/master", "-c", f"{self.folder}/conf", "-d")


class Exim(Peer):
    package = "exim4-daemon-light"
    # Unpacked it is not setuid root, so it delivers as itself.
    owner = "Debian-exim"

    def configure(self):
        folder = self.folder
        for name in ("spool", "log", "etc"):
            self.make(name, USERS["Debian-exim"])
        local = " : ".join(self.domains)
        user, password = SMARTHOST_LOGIN
        may = f"server_condition = ${{if and{{{{eq{{%s}}{{{user}}}}}{{eq{{%s}}{{{password}}}}}}}}}"
        conf = self.write("exim.conf", f"""
primary_hostname = mx.{self.name}.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
exim_path = {self.package}/usr/sbin/exim4
keep_environment =
log_selector = +tls_cipher +smtp_confirmation +incoming_port
daemon_smtp_ports = 25 : 465 : 587
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = {self.certificate}
tls_privatekey = {self.key}
smtputf8_advertise_hosts = *
acl_smtp_rcpt = recipient
domainlist local = {local}
begin acl
recipient:
  accept authenticated = *
         encrypted = *
  deny condition = ${{if eq{{$received_port}}{{587}}}}
       message = log in first
  accept hosts = {address4(1)}
  require domains = +local
  require verify = recipient
  accept
begin routers
forward:
  driver = redirect
  domains = +local
  local_parts = forward
  data = {self.nobody}
boxes:
  driver = accept
  domains = +local
  local_parts = inbox : {UTF8_MAILBOX}
  transport = boxes
others:
  driver = dnslookup
  domains = ! +local
  transport = others
  no_more
begin transports
boxes:
  driver = appendfile
  directory = {self.boxes}/$local_part_data
  maildir_format
  user = Debian-exim
others:
  driver = smtp
begin retry
* * F,1h,3s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  {may % ('$auth2', '$auth3')}
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  {may % ('$auth1', '$auth2')}
  server_advertise_condition = ${{if def:tls_in_cipher}}
""")
        self.write("etc/trusted_configs", f"{conf}\n")
        os.makedirs("/etc/exim4", exist_ok=True)
        self.place(f"{folder}/etc", "/etc/exim4")
        self.conf = conf

    def boot(self):
        self.start(f"{self.package}/usr/sbin/exim4", "-C", self.conf, "-bdf", "-q3s")

    def said(self):
        text = super().said()
        for name in ("mainlog", "paniclog"):
            path = f"{self.folder}/log/{name}"
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    text += file.read()
        return text


class OpenSMTPD(Peer):
    package = "opensmtpd"
    has_utf8 = False

    def configure(self):
        folder = self.folder
        for path in ("/var/spool/smtpd", "/usr/libexec/opensmtpd", "/var/lib/opensmtpd/empty"):
            os.makedirs(path, exist_ok=True)
        self.place(self.make("spool", mode=0o711), "/var/spool/smtpd")
        self.place(self.make("run"), "/run")
        self.place(self.make("empty", mode=0o711), "/var/lib/opensmtpd/empty")
        old = f"{self.package}/usr/lib/x86_64-linux-gnu/opensmtpd"
        new = f"{self.package}/usr/libexec/opensmtpd"
        self.place(new if os.path.isdir(new) else old, "/usr/libexec/opensmtpd")
        key = self.write("key.pem", open(self.key).read(), 0o600)
        users = "".join(f"inbox@{domain} inbox\nforward@{domain} {self.nobody}\n" for domain in self.domains)
        listen = "".join(
            f"listen on {address} port {port} {how} pki lab hostname mx.{self.name}.test\n"
            for address in (self.address, self.address6) for port, how in ((25, "tls"), (465, "smtps")))
        local = ", ".join(f'"{domain}"' for domain in self.domains)
        self.conf = self.write("smtpd.conf", f"""
pki lab cert "{self.certificate}"
pki lab key "{key}"
{listen}
table users "{self.write('users', users)}"
action "in" maildir "{self.boxes}/%{{dest.user}}" virtual <users>
action "out" relay helo "mx.{self.name}.test"
match from any for domain {{ {local} }} action "in"
match from any for rcpt-to "{self.nobody}" action "out"
match from src {address4(1)} for any action "out"
match from local for any action "out"
""", 0o600)

    def boot(self):
        self.start(f"{self.package}/usr/sbin/smtpd", "-d", "-f", self.conf)
