// SPDX-License-Identifier: Apache-2.0
import Common
import Directory
import Dispatch
import Synchronization
import Testing

@testable import authd

@MainActor @Suite struct LoginsTests {
    /// Counts how often a password is hashed; the hash is the text itself.
    final class Counter: Sendable {
        private let calls = Mutex<[StoredPassword]>([])
        /// Hashing waits for this; nil for no wait.
        let gate: DispatchSemaphore?
        var stored: [StoredPassword] { calls.withLock { $0 } }
        var count: Int { stored.count }

        init(gate: DispatchSemaphore? = nil) { self.gate = gate }

        func check(_ stored: StoredPassword, _ password: [UInt8]) -> Bool {
            if let gate {
                // Bounded, so that a fault is a failure and not a test without end.
                _ = gate.wait(timeout: .now() + 30)
                gate.signal()
            }
            calls.withLock { $0.append(stored) }
            // By octets: to Swift a composed character equals one that is not.
            guard case .plain(let text) = stored else { return false }
            return Array(text.utf8) == password
        }
    }

    /// One authd without sockets.
    @MainActor final class Bench {
        var directories: [String: GroupDirectory] = [:]
        let books: Books
        let counter: Counter
        private var made: Logins?

        init(
            _ settings: Ledger.Settings = .init(), passwords: [String: String],
            counter: Counter = Counter()
        ) {
            self.counter = counter
            books = Books(settings)
            set(passwords)
        }

        func set(_ passwords: [String: String]) {
            let accounts = passwords.sorted { $0.key < $1.key }.map { user, password in
                GroupDirectory.Account(
                    name: AccountName(group: "default", user: user),
                    password: .plain(password), permissions: [.receive])
            }
            directories["default"] = GroupDirectory(
                group: "default", domains: ["example.test"], accounts: accounts)
        }

        var logins: Logins {
            get throws {
                if let made { return made }
                let counter = counter
                let logins = try Logins(
                    directory: { [unowned self] in directories[$0] }, books: books,
                    pool: PasswordPool(threads: 2, capacity: 64, perNetwork: 16),
                    rememberSeconds: 600
                ) { stored, password, _ throws(SystemError) in
                    counter.check(stored, password)
                }
                made = logins
                return logins
            }
        }

        func login(
            _ user: String, _ password: String, from client: String = "192.0.2.1",
            group: String = "default", exempt: Ledger.Exemptions = []
        ) async throws -> AccountAnswer {
            let address = try #require(SocketAddress(client, port: 0))
            return try await logins.judge(
                Logins.Attempt(
                    group: group, user: user, password: Array(password.utf8),
                    client: Client(address, exemptions: exempt), service: "smtp"))
        }
    }

    private func atOnce(
        _ count: Int, _ login: @escaping @MainActor (Int) async throws -> AccountAnswer
    ) async throws -> [AccountAnswer] {
        let tasks = (0..<count).map { number in Task { try await login(number) } }
        var answers: [AccountAnswer] = []
        for task in tasks { answers.append(try await task.value) }
        return answers
    }

    let admin = AccountAnswer.account(
        AccountLogin(
            account: AccountName(group: "default", user: "admin"), permissions: [.receive],
            address: "admin@example.test", certainties: [.isUnlimited, .sendsAsItself]))

    @Test func rightAndWrong() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        #expect(try await bench.login("admin", "secret") == admin)
        #expect(try await bench.login("Admin@EXAMPLE.test", "secret") == admin)
        #expect(try await bench.login("admin", "Secret") == .wrongPassword)
        #expect(try await bench.login("admin@elsewhere.test", "secret") == .wrongPassword)
        #expect(try await bench.login("nemo", "secret") == .wrongPassword)
        #expect(try await bench.login("", "") == .wrongPassword)
        #expect(try await bench.login("admin", "secret", group: "other") == .unavailable)
    }

    @Test func anUnknownUserCostsAsMuchAsAWrongPassword() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        for (step, user) in ["admin", "nemo", "admin@elsewhere.test"].enumerated() {
            #expect(try await bench.login(user, "wrong") == .wrongPassword)
            #expect(bench.counter.count == step + 1)
        }
        #expect(bench.counter.stored == [.plain("secret"), .none, .none])
        #expect(try await bench.login("nemo", "secret") == .wrongPassword)
    }

    /// RFC 4616 §2, RFC 6856 §2.2: the spelling of the keyboard does not count.
    @Test func namesAndPasswordsArePrepared() async throws {
        let bench = Bench(passwords: ["J\u{FC}rgen": "gr\u{FC}n"])
        for (user, password) in [
            ("J\u{FC}rgen", "gr\u{FC}n"), ("ju\u{308}rgen", "gru\u{308}n"),
            ("JU\u{308}RGEN@example.test", "g\u{AD}r\u{FC}n"),
        ] {
            guard case .account(let login) = try await bench.login(user, password) else {
                Issue.record("\(user) is refused")
                continue
            }
            #expect(login.account.user == "J\u{FC}rgen")
        }
        // The prepared form comes first, and was right.
        #expect(bench.counter.count == 3)
    }

    @Test func whatAnotherProgramHashedUnpreparedIsRight() async throws {
        let bench = Bench(passwords: ["admin": "gru\u{308}n"])
        let hashed = bench.counter.count
        #expect(try await bench.login("admin", "gr\u{FC}n") == .wrongPassword)
        #expect(bench.counter.count == hashed + 1)
        // And is so although what is prepared alike was wrong.
        #expect(try await bench.login("admin", "gru\u{308}n") == admin)
        #expect(bench.counter.count == hashed + 3)
        #expect(try await bench.login("admin", "gru\u{308}n") == admin)
        #expect(bench.counter.count == hashed + 3)
        #expect(try await bench.login("admin", "g\u{AD}r\u{FC}n") == .wrongPassword)
    }

    /// Two forms are two hashes and a text that is no password is one, whoever is asked for.
    @Test(arguments: [
        ("wro\u{308}ng", 2), ("wr\u{F6}ng", 1), ("wrong", 1), ("\u{E000}", 1), ("\u{627}1", 1),
    ])
    func whatAnAttemptCostsIsInWhatIsOffered(_ password: String, _ hashes: Int) async throws {
        for user in ["admin", "J\u{FC}rgen", "nemo", "ne\u{308}mo", "\u{E000}"] {
            let bench = Bench(passwords: ["admin": "secret", "J\u{FC}rgen": "gru\u{308}n"])
            #expect(try await bench.login(user, password) == .wrongPassword)
            #expect(bench.counter.count == hashes)
        }
    }

    @Test func spellingsOfAnUnknownUserAreOneUser() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        for user in ["n\u{EB}mo", "ne\u{308}mo", "N\u{CB}MO", "n\u{EB}\u{AD}mo"] {
            #expect(try await bench.login(user, "stale") == .wrongPassword)
        }
        #expect(bench.counter.count == 1)
    }

    @Test func theSameWrongPasswordIsHashedAndCountedOnce() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        for _ in 0..<100 {
            #expect(try await bench.login("admin", "stale") == .wrongPassword)
            #expect(try await bench.login("nemo", "stale") == .wrongPassword)
        }
        #expect(bench.counter.count == 2)
        #expect(try await bench.login("admin", "secret") == admin)
    }

    @Test func aRightLoginIsRememberedUntilThePasswordChanges() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        for _ in 0..<10 { #expect(try await bench.login("admin", "secret") == admin) }
        #expect(bench.counter.count == 1)
        // From elsewhere too: it is the same password.
        #expect(try await bench.login("admin", "secret", from: "192.0.2.9") == admin)
        #expect(bench.counter.count == 1)
        bench.set(["admin": "changed"])
        #expect(try await bench.login("admin", "secret") == .wrongPassword)
        #expect(try await bench.login("admin", "changed") == admin)
        #expect(bench.counter.count == 3)
        // The old wrong password may be the right one now.
        bench.set(["admin": "secret"])
        #expect(try await bench.login("admin", "secret") == admin)
        bench.set([:])
        #expect(try await bench.login("admin", "secret") == .wrongPassword)
    }

    @Test func forgottenOnDemand() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        #expect(try await bench.login("admin", "secret") == admin)
        try bench.logins.forgetAll()
        #expect(try await bench.login("admin", "secret") == admin)
        #expect(bench.counter.count == 2)
    }

    @Test func attackersAreBlockedAndOwnersAreNot() async throws {
        let bench = Bench(passwords: ["admin": "secret", "bob": "hidden"])
        #expect(try await bench.login("admin", "secret") == admin)
        for number in 1...5 {
            #expect(try await bench.login("bob", "guess\(number)") == .wrongPassword)
        }
        #expect(
            try await bench.login("bob", "hidden")
                == .blocked(seconds: 3600, reason: .failedLogins))
        #expect(
            try await bench.login("nemo", "x") == .blocked(seconds: 3600, reason: .failedLogins))
        let hashed = bench.counter.count
        #expect(hashed == 6)
        #expect(try await bench.login("admin", "secret") == admin)
        // Another network has its own count.
        guard case .account = try await bench.login("bob", "hidden", from: "2001:db8::1") else {
            Issue.record("blocked elsewhere")
            return
        }
    }

    @Test func whoIsNeverBlockedIsNot() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        for number in 1...20 {
            #expect(
                try await bench.login("admin", "guess\(number)", exempt: .blocks)
                    == .wrongPassword)
        }
        #expect(try await bench.login("admin", "secret", exempt: .blocks) == admin)
    }

    @Test func manyGuessesAtOnceAreNoMoreThanOneAfterAnother() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        let answers = try await atOnce(15) { number in
            try await bench.login("admin", "guess\(number)")
        }
        #expect(bench.counter.count == 5)
        #expect(answers.filter { $0 == .wrongPassword }.count == 5)
        #expect(answers.filter { $0 != .wrongPassword }.count == 10)
    }

    @Test func oneLoginManyTimesAtOnceIsHashedOnce() async throws {
        let bench = Bench(passwords: ["admin": "secret"])
        let answers = try await atOnce(15) { _ in try await bench.login("admin", "secret") }
        #expect(answers.allSatisfy { $0 == admin })
        #expect(bench.counter.count == 1)
    }

    @Test func aFloodIsTurnedAway() async throws {
        // Nothing is hashed before one was turned away, however slow the machine is.
        let gate = DispatchSemaphore(value: 0)
        let bench = Bench(passwords: ["admin": "secret"], counter: Counter(gate: gate))
        let answers = try await atOnce(100) { number in
            let answer = try await bench.login("admin", "guess\(number)")
            if answer == .unavailable { gate.signal() }
            return answer
        }
        #expect(bench.counter.count == 5)
        #expect(answers.contains(.unavailable))
    }
}
