// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Mail

/// What is done about one entry.
extension Deliver {
    /// Delivers it, moves it aside, or leaves it for later, as the inspection says.
    func act(on name: String, _ inspection: EntryInspection) {
        switch inspection {
        case .passOver: break
        case .deliverable(let entry, let size): deliver(entry, named: name, size: size)
        case .corrupt(let reason): setApart(name, because: reason)
        case .trouble(let error):
            reading.failed(error)
            postpone(.entry(name), name, .entry(error))
        }
    }

    private func deliver(_ entry: EntryName, named name: String, size: Int) {
        guard !copying.contains(name),
            !setbacks.isSetAside(.account(entry.account), now: .now)
        else { return }
        do throws(MailboxError) {
            switch try delivery.deliver(entry, named: name, size: size) {
            case .mustCopy: startCopy(entry, named: name, size: size)
            case let result: note(result, entry, named: name, size: size)
            }
        } catch {
            note(error, entry, named: name)
        }
    }

    private func startCopy(_ entry: EntryName, named name: String, size: Int) {
        guard copying.count < Self.mostCopies else {
            haveCopiesWaited = true
            return
        }
        copying.insert(name)
        let delivery = delivery
        Task {
            do throws(MailboxError) {
                let result = try await pool.run { () throws(MailboxError) in
                    try delivery.copy(entry, named: name, size: size)
                }
                note(result, entry, named: name, size: size, isCopy: true)
            } catch {
                note(error, entry, named: name)
            }
            copying.remove(name)
            copyEnded()
        }
    }

    private func note(
        _ result: MaildirDelivery.Result, _ entry: EntryName, named name: String, size: Int,
        isCopy: Bool = false
    ) {
        switch result {
        case .delivered:
            Counter.delivered.add()
            Counter.octetsDelivered.add(size)
            Log.write(
                .info, isCopy ? "delivery.copied" : "delivery.delivered",
                [
                    "id": entry.id, "group": entry.account.group, "user": entry.account.user,
                    "size": size, "seconds": Self.seconds(since: entry.id.microseconds),
                ])
            resume(.account(entry.account), entry)
        case .gone:
            Log.write(.debug, "delivery.gone", ["id": entry.id])
        case .mustCopy:
            // A copy never answers this.
            haveCopiesWaited = true
        case .damaged:
            setApart(name, because: "its contents are not what its name claims")
        case .clash:
            setApart(name, because: "the mailbox has another message under this id")
        }
    }

    private func note(_ error: MailboxError, _ entry: EntryName, named name: String) {
        switch error {
        case .mailbox(let reason):
            writing.failed(reason, in: entry.account)
            postpone(.account(entry.account), name, error)
        case .entry, .busy: postpone(.entry(name), name, error)
        }
    }

    /// Leaves it where it is; the next attempt comes after a time that grows.
    private func postpone(
        _ subject: Setbacks.Subject, _ name: String, _ error: MailboxError
    ) {
        guard let delay = setbacks.add(subject, reason: error.reason, now: .now) else {
            return
        }
        Counter.postponed.add()
        guard restraint.admits("delivery.postponed", because: error.reason) else { return }
        Log.write(
            .warning, "delivery.postponed",
            ["entry": name, "error": error, "retryAfter": Int(delay)])
    }

    private func resume(_ subject: Setbacks.Subject, _ entry: EntryName) {
        writing.succeeded()
        guard setbacks.remove(subject), restraint.admits("delivery.resumed", because: "") else {
            return
        }
        Log.write(
            .notice, "delivery.resumed",
            ["group": entry.account.group, "user": entry.account.user])
    }

    /// Moves what cannot be delivered to `queue/corrupt`; nothing is ever deleted.
    private func setApart(_ name: String, because reason: String) {
        var newName = name
        do throws(SystemError) {
            let folder = try Folder(QueueLayout.corrupt, in: queue)
            do throws(SystemError) {
                try delivery.local.renameToNew(name, to: name, in: folder)
            } catch  where error.code == EEXIST || error.code == EINVAL {
                let tail = String(UInt64.random(in: .min ... .max), radix: 36)
                newName = "\(name.prefix(150))~\(tail)"
                try delivery.local.rename(name, to: newName, in: folder)
            }
        } catch {
            // Somebody else was faster.
            if error.code == ENOENT { return }
            postpone(.entry(name), name, .entry(error))
            return
        }
        Counter.corrupt.add()
        Log.write(
            .error, "delivery.corrupt",
            [
                "entry": name, "reason": reason, "movedTo": "queue/corrupt/\(newName)",
                "hint": "look at it; docs/queue.md tells how to put it back",
            ])
    }

    /// Seconds since then, with milliseconds.
    nonisolated static func seconds(since microseconds: UInt64) -> String {
        let now = WallClock.microseconds
        let milliseconds = now < microseconds ? 0 : (now - microseconds) / 1000
        return "\(milliseconds / 1000).\(String(1000 + milliseconds % 1000).dropFirst())"
    }
}
