// SPDX-License-Identifier: Apache-2.0
import CLinux
import Directory
import Glibc
import Testing

@testable import Common
@testable import authd

/// Workers and authd over real sockets, the event loop turned by hand.
@MainActor @Suite(.serialized) struct WorkerLinkTests {
    final class Stage {
        let books: Books
        let answers: Answers

        @MainActor init() throws {
            let books = Books(Ledger.Settings())
            let directory = GroupDirectory(
                group: "default", domains: ["example.test"],
                accounts: [
                    GroupDirectory.Account(
                        name: AccountName(group: "default", user: "admin"),
                        password: .plain("secret"), permissions: [.receive],
                        allowance: GroupDirectory.Allowance(messages: 1))
                ])
            let find: (String) -> GroupDirectory? = { $0 == "default" ? directory : nil }
            let logins = try Logins(
                directory: find, books: books, pool: PasswordPool(threads: 1), rememberSeconds: 60)
            self.books = books
            answers = Answers(directory: find, books: books, logins: logins) { _ in [] }
        }

        /// A new socket to this authd.
        @MainActor func socket() throws -> FileDescriptor {
            var pair: [Int32] = [-1, -1]
            try check("socketpair") {
                socketpair(
                    AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair)
            }
            let link = try WorkerLink(
                worker: "test[1]", descriptor: FileDescriptor(owning: pair[0]), answers: answers)
            Task { await link.serve() }
            return FileDescriptor(owning: pair[1])
        }

        @MainActor func connections(of client: String) -> Int {
            SocketAddress(client, port: 0).map { books.ledger.connections(of: ClientNetwork($0)) }
                ?? -1
        }
    }

    /// Turns the loop until the task has a value.
    private func turn<Value: Sendable>(
        _ body: @escaping @MainActor () async throws -> Value
    ) async throws -> Value {
        let task = Task { try await body() }
        var isDone = false
        Task {
            _ = await task.result
            isDone = true
        }
        for _ in 0..<5000 where !isDone {
            EventLoop.shared.turn(jobsWaiting: true)
            try await Task.sleep(for: .milliseconds(1))
        }
        try #require(isDone)
        return try await task.value
    }

    private func turn(until condition: () -> Bool) async throws {
        for _ in 0..<5000 where !condition() {
            EventLoop.shared.turn(jobsWaiting: true)
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(condition())
    }

    @Test func questionsAreAnswered() async throws {
        let stage = try Stage()
        let client = AccountClient(patience: 600)
        client.connect(try stage.socket())
        let cases: [(AccountQuestion, AccountAnswer)] = [
            (.connection(client: "192.0.2.1", service: "smtp"), .allowed),
            (.connection(client: "nonsense", service: "smtp"), .unavailable),
            (.domain(group: "default", name: "Example.Test"), .local),
            (.domain(group: "default", name: "example.org"), .notLocal),
            (.domain(group: "other", name: "example.org"), .unavailable),
            (
                .recipient(group: "default", localPart: "admin+x", domain: "example.test"),
                .recipients(
                    accounts: [AccountName(group: "default", user: "admin")], forwards: [])
            ),
            (.recipient(group: "default", localPart: "nemo", domain: "example.test"), .unknown),
            (
                .sender(
                    group: "default", user: "admin", localPart: "admin", domain: "example.test"),
                .allowed
            ),
            (
                .sender(group: "default", user: "admin", localPart: "boss", domain: "example.test"),
                .notAllowed
            ),
            (.charge(group: "default", user: "nemo", recipients: 1), .notAllowed),
            (.charge(group: "default", user: "admin", recipients: 1), .allowed),
            (
                .login(
                    group: "default", user: "admin", password: Array("secret".utf8),
                    client: "192.0.2.1", service: "smtp"),
                .account(
                    AccountLogin(
                        account: AccountName(group: "default", user: "admin"),
                        permissions: [.receive], address: "admin@example.test",
                        certainties: .sendsAsItself))
            ),
            (
                .login(
                    group: "default", user: "admin", password: Array("Secret".utf8),
                    client: "192.0.2.1", service: "smtp"),
                .wrongPassword
            ),
        ]
        for (question, expected) in cases {
            let answer = try await turn { await client.ask(question) }
            #expect(answer == expected, "\(question)")
        }
        let limited = try await turn {
            await client.ask(.charge(group: "default", user: "admin", recipients: 1))
        }
        guard case .limited = limited else {
            Issue.record("\(limited)")
            return
        }
    }

    @Test func manyQuestionsAtOnceFindTheirAnswers() async throws {
        let stage = try Stage()
        let client = AccountClient(patience: 600)
        client.connect(try stage.socket())
        let answers = try await turn {
            let tasks = (0..<5000).map { number in
                Task { @MainActor in
                    await client.ask(
                        .domain(
                            group: "default",
                            name: number % 3 == 0 ? "example.test" : "x\(number).test"))
                }
            }
            var answers: [AccountAnswer] = []
            for task in tasks { answers.append(await task.value) }
            return answers
        }
        for (number, answer) in answers.enumerated() {
            #expect(answer == (number % 3 == 0 ? .local : .notLocal))
        }
    }

    @Test func garbageEndsOneLinkAndNothingElse() async throws {
        let stage = try Stage()
        let client = AccountClient(patience: 600)
        client.connect(try stage.socket())
        let hello = AccountQuestion.connection(client: "192.0.2.1", service: "smtp")
        _ = try await turn { await client.ask(hello) }
        for round in 0..<300 {
            let socket = try stage.socket()
            // A worker that was taken over: first it behaves, then it does not.
            let first = try AccountCodec.encode(hello, id: 1)
            let bytes: [UInt8] = randomBytes(Int.random(in: 4...200)) + [UInt8(round & 255)]
            for datagram in [first, [0, 0, 0, 0, 0xFF] + bytes] {
                _ = send(socket.number, datagram, datagram.count, Int32(MSG_NOSIGNAL))
            }
        }
        try await turn { stage.connections(of: "192.0.2.1") == 1 }
        let answer = try await turn {
            await client.ask(.domain(group: "default", name: "example.test"))
        }
        #expect(answer == .local)
    }

    @Test func connectionsEndWithTheirWorker() async throws {
        let stage = try Stage()
        var clients = [AccountClient(patience: 600), AccountClient(patience: 600)]
        for client in clients {
            client.connect(try stage.socket())
            for _ in 0..<3 {
                let answer = try await turn {
                    await client.ask(.connection(client: "192.0.2.1", service: "smtp"))
                }
                #expect(answer == .allowed)
            }
        }
        #expect(stage.connections(of: "192.0.2.1") == 6)
        clients[0].tell(.disconnected(client: "192.0.2.1", service: "smtp", commandErrors: 0))
        try await turn { stage.connections(of: "192.0.2.1") == 5 }
        // The other worker dies, which ends its socket.
        clients[1].connect(try Stage().socket())
        try await turn { stage.connections(of: "192.0.2.1") == 2 }
        clients = []
    }

    @Test func whatWaitsIsAskedOfTheNextAuthd() async throws {
        let client = AccountClient(patience: 600)
        let waiting = Task { @MainActor in
            await client.ask(.domain(group: "default", name: "example.test"))
        }
        try await Task.sleep(for: .milliseconds(5))
        // An authd that dies before it answers.
        var pair: [Int32] = [-1, -1]
        try check("socketpair") {
            socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &pair)
        }
        client.connect(FileDescriptor(owning: pair[1]))
        _ = close(pair[0])
        try await turn { !client.isConnected }
        let stage = try Stage()
        client.connect(try stage.socket())
        #expect(try await turn { await waiting.value } == .local)
        // And a second one learns what is open.
        #expect(
            try await turn {
                await client.ask(.connection(client: "192.0.2.1", service: "smtp"))
            } == .allowed)
        let next = try Stage()
        client.connect(try next.socket())
        try await turn { next.connections(of: "192.0.2.1") == 1 }
        try await turn { stage.connections(of: "192.0.2.1") == 0 }
    }
}
