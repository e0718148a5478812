// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Whole-file locks of an open file description (`F_OFD_SETLK`).
///
/// They are byte-range locks, so NFSv4, CephFS and GlusterFS honour them between hosts, and they end with the
/// descriptor: there is nothing to clean after a crash.
extension File {
    /// Takes the exclusive lock if nobody holds one.
    ///
    /// - Returns: Whether the lock is ours now.
    /// - Throws: `SystemError` for any trouble but "somebody else holds it".
    package func tryLock() throws(SystemError) -> Bool {
        let number = number
        do throws(SystemError) {
            try check("fcntl F_OFD_SETLK", on: path) { wm_lock_try(number, true) }
            return true
        } catch  where error.code == EAGAIN || error.code == EACCES {
            return false
        }
    }

    /// Whether another open file description holds a lock.
    package func isLockedByAnother() throws(SystemError) -> Bool {
        let number = number
        return try check("fcntl F_OFD_GETLK", on: path) { wm_lock_is_held(number) } == 1
    }

    /// Gives the lock up before the file is closed.
    package func unlock() throws(SystemError) {
        let number = number
        try check("fcntl F_OFD_SETLK", on: path) { wm_lock_release(number) }
    }
}
