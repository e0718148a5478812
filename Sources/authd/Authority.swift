// SPDX-License-Identifier: Apache-2.0
import Common

/// authd as a whole: the accounts, the counters and the workers that ask.
final class Authority {
    private let books: Books
    private let logins: Logins
    private let answers: Answers
    private var linkCount = 0

    /// Nothing but the accounts: reading them, and putting a new version in a file's place.
    static func sandbox(_ slice: AuthSlice) -> Sandbox {
        Sandbox(
            paths: [("\(slice.root)/usermanager", [.read, .list, .create, .write, .remove])],
            calls: .files)
    }

    /// Reads the accounts and gets ready to answer.
    ///
    /// - Throws: `SystemError` of crypt(3).
    init(_ slice: AuthSlice) throws(SystemError) {
        let security = slice.security
        books = Books(Ledger.Settings(security))
        let pool = PasswordPool()
        let accounts = Accounts(groups: slice.groups, places: Places(root: slice.root), pool: pool)
        logins = try Logins(
            directory: accounts.directory(of:), books: books, pool: pool,
            rememberSeconds: security.rememberLoginSeconds)
        answers = Answers(directory: accounts.directory(of:), books: books, logins: logins) {
            Ledger.Exemptions(of: $0, security)
        }
        accounts.onChange = { [weak logins] in logins?.forgetAll() }
        accounts.load()
        Task { await sweep() }
    }

    /// Takes clients as master introduces them, until this worker is to end.
    func serve(_ worker: Worker) {
        worker.onClient = { [self] program, process, descriptor in
            serve("\(program)[\(process)]", descriptor, of: worker)
        }
        worker.onAdmin = { [self] descriptor in
            do throws(SystemError) {
                let link = try AdminLink(descriptor, books)
                Task { await link.serve() }
            } catch {
                Log.write(.warning, "control.failed", ["error": error])
            }
        }
        worker.onEnding = { [self] ending in
            // A retiring one is left by its clients as they are introduced to the next.
            if ending == .stop || linkCount == 0 { worker.finish() }
        }
    }

    private func serve(
        _ client: String, _ descriptor: consuming FileDescriptor, of worker: Worker
    ) {
        do throws(SystemError) {
            let link = try WorkerLink(worker: client, descriptor: descriptor, answers: answers)
            linkCount += 1
            Task {
                await link.serve()
                linkCount -= 1
                if linkCount == 0, worker.ending != nil { worker.finish() }
            }
        } catch {
            Log.write(.error, "accounts.link-failed", ["worker": client, "error": error])
        }
    }

    private func sweep() async {
        while true {
            await sleep(until: .seconds(60))
            books.sweep(now: .now)
            logins.sweep(now: .now)
        }
    }
}

nonisolated extension Ledger.Settings {
    /// Takes the settings of the configuration.
    init(_ security: SecuritySettings) {
        passwordTries = security.maxFailedLogins
        passwordBlock = Double(security.failedLoginBlockSeconds)
        commandErrors = security.maxCommandErrors
        commandBlock = Double(security.commandErrorBlockSeconds)
        connections = security.maxConnectionsPerClient
        connectionsPerMinute = security.maxConnectionsPerMinute
    }
}

nonisolated extension Ledger.Exemptions {
    /// What the configuration exempts an address from.
    init(of address: SocketAddress, _ security: SecuritySettings) {
        self = []
        if security.unlimitedConnectionsFrom.contains(address) { insert(.limits) }
        if security.neverBlock.contains(address) { insert(.blocks) }
    }
}
