// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import TestSupport
import Testing

@testable import master

struct FolderRightsTests {
    private let folder = TemporaryFolder()

    private var places: Places { Places(root: folder.path) }

    private static let identities: Identities = {
        var users: [String: UInt32] = [:]
        var groups: [String: UInt32] = [:]
        for (index, name) in Identities.groupNames.enumerated() {
            groups[name] = 60_100 + UInt32(index)
            if Identities.userNames.contains(name) { users[name] = 60_100 + UInt32(index) }
        }
        return Identities(users: users, groups: groups)
    }()

    private func make(_ path: String, mode: UInt32 = 0o755) {
        var whole = folder.path
        for part in path.split(separator: "/") {
            whole += "/\(part)"
            mkdir(whole, 0o755)
        }
        chmod(whole, mode)
    }

    private func write(_ path: String, mode: UInt32 = 0o644) throws {
        let file = try File(
            path: "\(folder.path)/\(path)", flags: O_WRONLY | O_CREAT, mode: mode)
        try file.setMode(mode)
    }

    private func mode(_ path: String) throws -> String {
        let parent = try Folder(folder.path)
        return String(try parent.status(of: path).permissions, radix: 8)
    }

    private func owner(_ path: String) throws -> String {
        let status = try Folder(folder.path).status(of: path)
        func name(_ number: UInt32, _ names: [String: UInt32]) -> String {
            names.first { $0.value == number }?.key ?? String(number)
        }
        let user = name(status.owner, Self.identities.users)
        return "\(user):\(name(status.group, Self.identities.groups))"
    }

    @Test func everythingIsMadeForOneUser() throws {
        make("config")
        try FolderRights().establish(in: places, groups: ["default", "other"])
        for path in [
            "run", "queue", "queue/tmp", "queue/tmp/0", "queue/tmp/v", "queue/local", "queue/relay",
            "queue/hold", "queue/corrupt",
            "usermanager", "usermanager/default/users", "usermanager/other",
            "usermanager/other/users",
        ] {
            #expect(try mode(path) == "700", "\(path)")
        }
        #expect(try mode("config") == "755", "the operator's")
    }

    @Test func whatIsThereIsCorrected() throws {
        make("config")
        make("usermanager/default/users/bob/Maildir/new")
        make("usermanager/default/users/bob/notes")
        make("queue/local", mode: 0o777)
        try write("usermanager/default/group.json")
        try FolderRights().establish(in: places, groups: [])
        #expect(try mode("queue/local") == "700")
        #expect(try mode("usermanager/default/group.json") == "600")
        #expect(try mode("usermanager/default/users/bob/Maildir/new") == "700")
        #expect(try mode("usermanager/default/users/bob/notes") == "755", "no mail")
    }

    @Test func linksLeadNowhere() throws {
        make("config")
        make("outside", mode: 0o755)
        make("usermanager/default/users/bob")
        try write("secret")
        symlink("../../../../outside", "\(folder.path)/usermanager/default/users/bob/Maildir")
        link("\(folder.path)/secret", "\(folder.path)/usermanager/default/group.json")
        try FolderRights().establish(in: places, groups: ["default"])
        #expect(try mode("outside") == "755")
        #expect(try mode("secret") == "644", "another name of somebody's file")
    }

    @Test func linkInPlaceOfAFolderIsRefused() throws {
        make("config")
        make("outside")
        symlink("outside", "\(folder.path)/queue")
        #expect(throws: SystemError.self) {
            try FolderRights().establish(in: places, groups: [])
        }
        #expect(try mode("outside") == "755")
    }

    @Test(.enabled(if: Privileges.isRoot, "only root can give files away"))
    func eachFolderIsGivenToWhomItBelongs() throws {
        make("config/ssl")
        try write("config/config.json")
        try write("config/ssl/key.pem", mode: 0o600)
        make("usermanager/default/users/bob/Maildir/.Sent/cur")
        try write("usermanager/default/group.json")
        try write("usermanager/default/users/bob/Maildir/.Sent/cur/1")
        try write("usermanager/default/users/bob/pop3.lock", mode: 0o600)
        try write("secret", mode: 0o600)
        make("usermanager/default/users/eve")
        link("\(folder.path)/secret", "\(folder.path)/usermanager/default/users/eve/pop3.lock")
        chmod(folder.path, 0o700)
        for _ in 1...2 {
            try FolderRights(Self.identities).establish(in: places, groups: ["default"])
            let expected = [
                (".", "0:0", "711"),
                ("config", "0:wmail", "750"), ("config/ssl", "0:wmail", "750"),
                ("config/config.json", "0:wmail", "640"), ("config/ssl/key.pem", "0:wmail", "640"),
                ("queue", "wmail-mail:wmail-queue", "710"),
                ("queue/tmp", "wmail-mail:wmail-mail", "3733"),
                ("queue/tmp/v", "wmail-mail:wmail-mail", "3733"),
                ("queue/local", "wmail-mail:wmail-mail", "3733"),
                ("queue/relay", "wmail-relay:wmail-mail", "3733"),
                ("queue/hold", "wmail-mail:wmail-mail", "2770"),
                ("queue/corrupt", "wmail-mail:wmail-mail", "2770"),
                ("usermanager", "wmail-auth:wmail-auth", "711"),
                ("usermanager/default", "wmail-auth:wmail-auth", "711"),
                ("usermanager/default/group.json", "wmail-auth:wmail-auth", "600"),
                ("usermanager/default/users", "wmail-mail:wmail-pop", "2770"),
                ("usermanager/default/users/bob", "wmail-mail:wmail-pop", "2770"),
                ("usermanager/default/users/bob/Maildir/.Sent/cur", "wmail-mail:wmail-pop", "2770"),
                ("usermanager/default/users/bob/Maildir/.Sent/cur/1", "0:0", "644"),
                ("usermanager/default/users/bob/pop3.lock", "wmail-pop:wmail-pop", "660"),
                ("secret", "0:0", "600"),
            ]
            for (path, owner, mode) in expected {
                #expect(try self.owner(path) == owner, "\(path)")
                #expect(try self.mode(path) == mode, "\(path)")
            }
        }
    }
}
