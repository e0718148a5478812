// SPDX-License-Identifier: Apache-2.0
import CLinux

extension Folder {
    /// Asks the file system to place folders that will be made in this one far from each other.
    ///
    /// ext4 knows that as the flag `T` of chattr(1), "top of a hierarchy". Elsewhere it means nothing, and nothing is
    /// lost: it concerns speed alone.
    ///
    /// - Returns: Whether the file system has taken it.
    @discardableResult
    package func spreadSubfolders() -> Bool {
        wm_spread_subfolders(number) == 0
    }
}
