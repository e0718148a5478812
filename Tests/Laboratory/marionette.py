# SPDX-License-Identifier: Apache-2.0
"""Thunderbird without a screen, driven over Mozilla's Marionette protocol: length, colon, JSON, both ways."""

import json
import os
import socket
import subprocess
import time

PREFERENCES = {
    "app.update.auto": False, "app.update.enabled": False, "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False, "extensions.update.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True, "mail.rights.version": 1, "mail.shell.checkDefaultClient": False,
    "mailnews.start_page.enabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "network.proxy.type": 0, "toolkit.telemetry.enabled": False,
    "mail.chat.enabled": False, "mail.spotlight.firstRunDone": True, "services.settings.server": "data:,",
}
# Our own functions, called with one argument; Marionette gives the last one to answer with.
SCRIPT = """
const [source, name, values, done] = arguments;
(async () => {
  const act = new Function(source + "; return act;").call(null);
  return await act[name](values);
})().then((value) => done({ value }), (error) => done({ error: `${error}\\n${error.stack}` }));
"""


class Thunderbird:
    """One run of the program on a profile, which stays for the next run."""

    def __init__(self, profile, functions, seconds=90):
        with open(functions) as file:
            self.functions = file.read()
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            port = chosen.getsockname()[1]
        with open(f"{profile}/user.js", "w") as file:
            for name, value in {**PREFERENCES, "marionette.port": port}.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.log = open(f"{profile}.log", "ab")
        self.process = subprocess.Popen(
            ["thunderbird", "--headless", "--no-remote", "--profile", profile, "--marionette",
             "--remote-allow-system-access"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True, cwd=profile,
            env={**os.environ, "HOME": profile, "MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"})
        self.number = 0
        self.connection = self._connected(port, seconds)
        self.replies = self.connection.makefile("rb")
        self._read()
        self._ask("WebDriver:NewSession", {"timeouts": {"script": 120_000}})
        self._ask("Marionette:SetContext", {"value": "chrome"})

    def _connected(self, port, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=180)
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"Thunderbird does not listen; see {self.log.name}")

    def _read(self):
        length = b""
        while (octet := self.replies.read(1)) != b":":
            if not octet:
                raise AssertionError("Thunderbird has closed the connection")
            length += octet
        return json.loads(self.replies.read(int(length)))

    def _ask(self, command, values):
        self.number += 1
        message = json.dumps([0, self.number, command, values]).encode()
        self.connection.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        if error:
            raise AssertionError(f"{command}: {error['error']}: {error['message']}")
        return result

    def call(self, name, **values):
        """What a function of the script file returns; its exception is a failure here."""
        result = self._ask("WebDriver:ExecuteAsyncScript", {
            "script": SCRIPT, "args": [self.functions, name, values], "newSandbox": True})["value"]
        if result is None:
            # A dialogue ends a script.
            text = self._ask("WebDriver:GetAlertText", {})["value"]
            self._ask("WebDriver:DismissAlert", {})
            raise AssertionError(f"{name}: Thunderbird says: {text}")
        if "error" in result:
            raise AssertionError(f"{name}: {result['error']}")
        return result["value"]

    def quit(self):
        """Ends it as its menu does, so that everything is written."""
        self._ask("Marionette:Quit", {"flags": ["eAttemptQuit"]})
        self.connection.close()
        self.process.wait(60)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.quit()
        elif self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
