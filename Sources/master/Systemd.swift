// SPDX-License-Identifier: Apache-2.0
import CSystemd
import Common
import Glibc

/// Talking to systemd, if it started us: sockets in, readiness out.
enum Systemd {
    /// The listening sockets that systemd opened for us (sd_listen_fds(3)).
    ///
    /// A descriptor that is no TCP socket is told in the log and closed.
    static func inheritedSockets() -> [ListeningSocket] {
        let count = sd_listen_fds(1)
        guard count > 0 else { return [] }
        var sockets: [ListeningSocket] = []
        for number in SD_LISTEN_FDS_START..<(SD_LISTEN_FDS_START + count) {
            do throws(SystemError) {
                sockets.append(
                    try ListeningSocket(inherited: FileDescriptor(owning: number)))
            } catch {
                Log.write(
                    .warning, "socket.unusable",
                    ["descriptor": number, "error": error, "hint": "only TCP sockets are used"])
            }
        }
        return sockets
    }

    /// In seconds, how often the watchdog wants to be fed at the latest; nil when there is none.
    static func watchdogInterval() -> Double? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(1, &microseconds) > 0 else { return nil }
        return Double(microseconds) / 1e6
    }

    static func ready(status: String) {
        notify("READY=1\nSTATUS=\(status)")
    }

    /// A reload begins; ``ready(status:)`` ends it (systemd.service(5), Type=notify-reload).
    static func reloading() {
        let microseconds = Deadline.now.nanoseconds / 1000
        notify(
            "RELOADING=1\nMONOTONIC_USEC=\(microseconds)\nSTATUS=Reading the configuration again")
    }

    static func stopping() {
        notify("STOPPING=1\nSTATUS=Finishing what is in mid-air")
    }

    static func feedWatchdog() {
        notify("WATCHDOG=1")
    }

    /// Does nothing when systemd did not start us.
    private static func notify(_ state: String) {
        let result = sd_notify(0, state)
        if result < 0 {
            Log.write(
                .warning, "systemd.unreachable", ["error": SystemError("sd_notify", code: -result)])
        }
    }
}
