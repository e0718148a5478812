// SPDX-License-Identifier: Apache-2.0
import Common
import Directory
import Glibc
import Testing

@testable import authd

@MainActor @Suite final class AccountsTests {
    let root: String
    let pool = PasswordPool(threads: 2)

    init() throws {
        var template = Array("/tmp/authdTests.XXXXXX".utf8CString)
        let made = mkdtemp(&template) != nil
        try #require(made)
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try Folder(root).makeFolder("usermanager")
        try Folder("\(root)/usermanager").makeFolder("default")
    }

    isolated deinit {
        for path in ["default/group.json", "default", ""] {
            _ = remove("\(root)/usermanager/\(path)")
        }
        _ = remove(root)
    }

    private var path: String { "\(root)/usermanager/default/group.json" }

    private func write(_ text: String) throws {
        let file = try File(path: path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try file.write(Array(text.utf8))
    }

    private func text() throws -> String {
        String(decoding: try File(path: path).readAll(), as: UTF8.self)
    }

    private func accounts(interval: Double = 0) -> Accounts {
        Accounts(groups: ["default"], places: Places(root: root), pool: pool, interval: interval)
    }

    static let hashed = """
        { "bindDomains": ["example.test"], "users": { "admin": { "password": "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "permissions": ["receive"] } } }
        """

    @Test func readsWhatTheFileSays() throws {
        try write(
            """
            { "bindDomains": ["example.test"],
              "users": { "admin": { "password": "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
                "permissions": ["receive", "sendoutside"], "addresses": ["*@example.net"],
                "limits": { "messagesPerHour": 10, "recipientsPerHour": 20 } },
                "quiet": {}, "old": { "password": "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/" } },
              "aliases": { "info": "admin" }, "catchAll": "quiet", "subaddressSeparator": "-" }
            """)
        let directory = try #require(accounts().directory(of: "default"))
        let admin = try #require(directory["admin"])
        #expect(admin.permissions == [.receive, .sendOutside])
        #expect(admin.allowance == GroupDirectory.Allowance(messages: 10, recipients: 20))
        #expect(admin.senders == ["*@example.net"])
        #expect(admin.password != .none)
        #expect(directory["quiet"]?.password == StoredPassword.none)
        #expect(directory["old"]?.password == StoredPassword.none)
        #expect(
            directory.recipients(localPart: "info-x", domain: "example.test")
                == .recipients(
                    accounts: [AccountName(group: "default", user: "admin")], forwards: []))
        #expect(
            directory.recipients(localPart: "nemo", domain: "example.test")
                == .recipients(
                    accounts: [AccountName(group: "default", user: "quiet")], forwards: []))
        #expect(accounts().directory(of: "other") == nil)
    }

    @Test func anEditIsSeenAndABrokenOneKeepsTheAccounts() throws {
        let accounts = accounts()
        var changes = 0
        accounts.onChange = { changes += 1 }
        #expect(accounts.directory(of: "default") == nil)
        try write(Self.hashed)
        #expect(accounts.directory(of: "default")?["admin"] != nil)
        #expect(accounts.directory(of: "default")?["admin"] != nil)
        #expect(changes == 1)
        try write(Self.hashed.replacing("\"users\"", with: "\"user\""))
        #expect(accounts.directory(of: "default")?["admin"] != nil)
        try write("{")
        #expect(accounts.directory(of: "default")?["admin"] != nil)
        #expect(changes == 1)
        try write(Self.hashed.replacing("admin", with: "boss"))
        #expect(accounts.directory(of: "default")?["admin"] == nil)
        #expect(accounts.directory(of: "default")?["boss"] != nil)
        #expect(changes == 2)
        _ = remove(path)
        #expect(accounts.directory(of: "default")?["boss"] != nil)
    }

    @Test func theFileIsNotLookedAtAllTheTime() throws {
        try write(Self.hashed)
        let accounts = accounts(interval: 3600)
        accounts.load()
        try write(Self.hashed.replacing("admin", with: "boss"))
        #expect(accounts.directory(of: "default")?["admin"] != nil)
    }

    @Test func plainPasswordsAreReplacedByTheirHashes() async throws {
        try write(
            """
            // mine
            { "bindDomains": ["example.test"], "users": {
                "admin": { "password": "secret" }, // the boss
                "bob": { "password": "hid\\u0064en", "permissions": ["receive"] },
                "dora": { "password": "gru\\u0308n" },
                "emil": { "password": "bell\\uE000" },
                "carol": { "password": "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5" }
            } }
            """)
        let accounts = accounts()
        accounts.load()
        // Until then they are right as they are.
        #expect(accounts.directory(of: "default")?["admin"]?.password == .plain("secret"))
        let substitute = try PasswordHash.unmatchable()
        for _ in 0..<500 {
            if !(try text().contains("secret")) { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let text = try text()
        #expect(!text.contains("secret") && !text.contains("hid"))
        // Nobody can be let in with it; it is told in the log.
        #expect(text.contains("bell\\uE000"))
        #expect(text.contains("// mine") && text.contains("// the boss"))
        #expect(text.contains("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"))
        #expect(
            try Folder(root + "/usermanager/default").status(of: "group.json").permissions == 0o600)
        let directory = try #require(accounts.directory(of: "default"))
        for (user, password) in [("admin", "secret"), ("bob", "hidden"), ("dora", "gr\u{FC}n")] {
            let stored = try #require(directory[user]?.password)
            guard case .hash = stored else {
                Issue.record("\(user) has no hash")
                continue
            }
            #expect(try stored.matches(Array(password.utf8), substitute: substitute))
            #expect(try !stored.matches(Array("wrong".utf8), substitute: substitute))
        }
    }

    @Test(arguments: [
        ("secret", "plain"), ("$ecret", "plain"), ("$ecret$", "plain"), ("", "none"),
        ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "none"),
        ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "none"), ("correct horse battery staple", "plain"),
        ("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "hash"),
    ])
    func kindsOfStoredPasswords(_ text: String, _ kind: String) {
        let found =
            switch StoredPassword(text) {
            case .hash: "hash"
            case .plain: "plain"
            case .none: "none"
            }
        #expect(found == kind)
    }
}
