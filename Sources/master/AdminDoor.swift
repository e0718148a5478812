// SPDX-License-Identifier: Apache-2.0
import CLinux
import Common
import Glibc

/// The socket `control` in the run folder, at which `wmail blocked` asks: for this user and root alone.
///
/// master reads nothing from it. It hands each connection to the authd that serves.
final class AdminDoor {
    static let name = "control"
    private let descriptor: FileDescriptor

    var number: Int32 { descriptor.number }

    private init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
    }

    /// Opens it; nil, and a line in the log, where that is impossible.
    static func open(in run: String) -> AdminDoor? {
        do throws(SystemError) {
            let folder = try Folder(run)
            let number = try check("bind", on: "\(run)/\(name)") {
                wm_listen_at(folder.number, name)
            }
            return AdminDoor(FileDescriptor(owning: number))
        } catch {
            Log.write(
                .warning, "control.missing",
                ["error": error, "hint": "wmail blocked will not reach this server"])
            return nil
        }
    }

    /// The next connection; nil when there is none.
    func accept() -> FileDescriptor? {
        var peer = sockaddr_storage()
        let number = wm_accept(descriptor.number, &peer)
        return number < 0 ? nil : FileDescriptor(owning: number)
    }
}

extension Master {
    /// Hands an operator's connection to authd; closed when there is none, which the operator is told.
    func introduce(operator socket: consuming FileDescriptor) {
        let serving = supervisor.serving?.number
        let authd = supervisor.workers.first {
            $0.value.slot.service == .authd && $0.value.generation == serving
        }
        guard let authd, let control = controls[authd.key] else { return }
        do throws(SystemError) {
            try control.order("admin", passing: socket.number)
        } catch {
            Log.write(.warning, "worker.order-lost", ["process": authd.key, "error": error])
        }
    }
}
