// SPDX-License-Identifier: Apache-2.0
// Modules: Mail POP3
import Mail
import POP3

/// Whatever a client sends, the session keeps its promises.
///
/// It never crashes, never asks for a message that is not there, always answers in whole lines, and says the same
/// however the network cuts its input. The first octet chooses the circumstances.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    let whole = play(bytes, choice, inPiecesOf: max(1, bytes.count))
    let cut = play(bytes, choice, inPiecesOf: Int(choice >> 4) + 1)
    // What comes right behind STLS is judged by when it came, and must be.
    precondition(whole == cut || choice & 3 == 0, "the answer depends on how the input was cut")
    return 0
}

private struct World {
    var session: Session
    var output: [UInt8] = []
    var isClosed = false
    var isLoggedIn = false
    let total = 7
    let refusals: Bool

    init(_ choice: UInt8) {
        var settings = SessionSettings(hostName: "mail.example.test")
        settings.isSecure = choice & 3 == 1
        settings.offersTLS = choice & 3 == 0
        settings.allowsPlainLogin = choice & 3 != 1
        settings.commandErrorLimit = choice & 4 == 0 ? 0 : 3
        settings.loginDelay = choice & 4 == 0 ? 0 : 60
        refusals = choice & 8 != 0
        session = Session(settings)
    }

    mutating func drain() {
        while !isClosed {
            switch session.next() {
            case .wait: return
            case .send(let bytes):
                precondition(bytes.suffix(2) == [13, 10], "half a line")
                precondition(bytes.count < 20_000)
                output += bytes
            case .startTLS:
                output += "(TLS)\r\n".utf8
                session.secured()
            case .logIn(let credentials):
                precondition(!isLoggedIn, "a second login")
                precondition(!credentials.user.isEmpty && !credentials.password.contains(0))
                logIn(credentials)
            case .retrieve(let retrieval):
                precondition(isLoggedIn && (0..<total).contains(retrieval.index))
                if retrieval.index == 3 {
                    session.notRetrieved(isGone: true)
                } else {
                    output += retrieval.heading + Array("(message)\r\n".utf8)
                    session.retrieved()
                }
            case .delete(let indexes):
                precondition(isLoggedIn && !indexes.isEmpty)
                precondition(indexes == Set(indexes).sorted() && indexes.allSatisfy { $0 < total })
                session.deleted(except: indexes.filter { $0 == 4 })
            case .close:
                isClosed = true
                output += "(closed)\r\n".utf8
            }
        }
    }

    private mutating func logIn(_ credentials: Credentials) {
        let kind = credentials.password.count % 6
        if refusals, kind > 0 {
            let all: [LoginRefusal] = [
                .wrong, .inUse(holder: "192.0.2.1"), .temporary, .permanent, .tooOften(seconds: 5),
            ]
            return session.refuse(all[kind - 1])
        }
        var maildrop = Maildrop()
        for index in 0..<total {
            maildrop.append(size: index * 1000, uniqueID: Array("id\(index)".utf8)[...])
        }
        isLoggedIn = true
        session.admit(maildrop)
    }
}

private func play(_ bytes: [UInt8], _ choice: UInt8, inPiecesOf size: Int) -> [UInt8] {
    var world = World(choice)
    world.drain()
    var rest = bytes[...]
    while !rest.isEmpty, !world.isClosed {
        world.session.receive(Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
        world.drain()
    }
    return world.output
}
