// SPDX-License-Identifier: Apache-2.0
import Mail
import SMTP

/// Plays a dialogue from the server's side and writes down what the session did.
///
/// `S:` lines are fed to the session, `END` ends the connection; everything else is what the session is expected
/// to do: `C:` a line it sends, `TLS`, `CONTENT`, `READY`, one `OUT` for each recipient, `CLOSE`.
struct ClientTranscript {
    var session: ClientSession
    var messages: [ClientTransaction]
    private var log: [String] = []

    init(_ settings: ClientSettings, _ messages: [ClientTransaction]) {
        session = ClientSession(settings: settings)
        self.messages = messages
    }

    /// The script with the session's own actions in place of the expected ones.
    mutating func play(_ script: String, atOnce count: Int) -> String {
        runSteps()
        var input: [UInt8] = []
        let lines = script.split(separator: "\n")
        for (index, line) in lines.enumerated()
        where line.hasPrefix("S:") || line == "END" {
            log.append(String(line))
            if line == "END" {
                session.ended("connection lost")
                runSteps()
                continue
            }
            input += line.dropFirst(3).utf8
            input += [13, 10]
            let next = index + 1 < lines.count ? lines[index + 1] : ""
            if next.hasPrefix("S:") { continue }
            var rest = input[...]
            input = []
            while !rest.isEmpty {
                session.receive(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            runSteps()
        }
        return log.joined(separator: "\n")
    }

    private mutating func runSteps() {
        while true {
            switch session.next() {
            case .wait: return
            case .send(let bytes):
                let text = String(decoding: bytes, as: UTF8.self)
                for line in text.split(separator: "\r\n") { log.append("C: \(line)") }
            case .startTLS:
                log.append("TLS")
                session.tlsStarted()
            case .ready:
                if log.last != "READY" { log.append("READY") }
                if messages.isEmpty {
                    session.quit()
                } else {
                    session.begin(messages.removeFirst())
                }
            case .content:
                log.append("CONTENT")
                session.contentSent()
            case .settled(let outcomes):
                for outcome in outcomes {
                    let doubt = outcome.mayBeDuplicate ? " maybe-duplicate" : ""
                    log.append(
                        "OUT \(outcome.result) \(outcome.status) \(outcome.stage)\(doubt)")
                }
            case .close(let outcome):
                log.append(outcome.map { "CLOSE \($0.status) \($0.stage)" } ?? "CLOSE")
                return
            }
        }
    }
}
