// SPDX-License-Identifier: Apache-2.0
import Glibc

/// master's side of the scoreboard: makes a page for each process, and adds up those that have ended.
///
/// It serves observation alone, so nothing here keeps a worker from running: trouble is told of and lived with.
package final class ScoreboardKeeper {
    /// A page that a process has, or is to get.
    package struct Page: Sendable {
        package let service: String
        package let index: Int
        package let sequence: Int
        let name: String
    }

    /// A page that was just made.
    package struct NewPage: ~Copyable {
        package let page: Page
        package let file: File
    }

    private let folder: Folder
    private var sequence = 0

    /// Begins an empty scoreboard in a run folder, which is made if it is not there.
    ///
    /// - Throws: `SystemError`, such as EACCES.
    package init(run: String) throws(SystemError) {
        do throws(SystemError) {
            try check("mkdir", on: run) { mkdir(run, 0o755) }
        } catch  where error.code == EEXIST {
            // As it should be from the second start on.
        }
        let parent = try Folder(run)
        try parent.makeFolder(Scoreboard.folderName, mode: 0o700)
        let folder = try Folder(Scoreboard.folderName, in: parent, listable: true)
        for name in try folder.names() { try folder.unlink(name) }
        self.folder = folder
    }

    /// Makes a page.
    ///
    /// - Returns: The page with its file, for the process to map.
    /// - Throws: `SystemError` of openat(2) or write(2).
    package func page(
        _ service: String, _ index: Int, generation: Int, started: Int = WallClock.seconds
    ) throws(SystemError) -> NewPage {
        sequence += 1
        let page = Page(
            service: service, index: index, sequence: sequence,
            name: Scoreboard.Row.name(service, index, sequence))
        let file = try File(page.name, in: folder, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        try file.write(
            CounterPage.blank(
                CounterPage.Facts(
                    process: 0, started: started, generation: generation, sequence: sequence)))
        return NewPage(page: page, file: file)
    }

    /// Notes which process has a page.
    ///
    /// - Throws: `SystemError` of openat(2) or pwrite(2).
    package func assign(_ page: Page, to process: Int) throws(SystemError) {
        let file = try File(page.name, in: folder, flags: O_WRONLY)
        let number = file.number
        var value = UInt64(max(0, process))
        try check("pwrite", on: file.path) { pwrite(number, &value, 8, 8) }
    }

    /// Adds the numbers of a process that has ended to the sums, and removes its page.
    ///
    /// - Throws: `SystemError`; its numbers are lost, or its page stays until the next start.
    package func end(_ page: Page) throws(SystemError) {
        let bytes = try File(page.name, in: folder).read(atMost: 4096, at: 0)
        if let last = CounterPage(bytes) {
            var sums = Scoreboard.sums(try Scoreboard.ended(in: folder))
            for counter in Counter.allCases where !counter.isGauge && last[counter] > 0 {
                sums[page.service, default: [:]][counter, default: 0] &+= last[counter]
            }
            let services = sums.sorted { $0.key < $1.key }.map { service, sum in
                (
                    service,
                    JSON.object(
                        Counter.allCases.compactMap { counter in
                            sum[counter].map { (counter.name, .integer($0)) }
                        })
                )
            }
            let json = JSON.object([("last", .integer(page.sequence))] + services)
            let draft = "\(Scoreboard.endedName).new"
            let file = try File(draft, in: folder, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
            try file.write(json.compactBytes + [0x0A])
            try folder.rename(draft, to: Scoreboard.endedName, in: folder)
        }
        try folder.unlink(page.name)
    }
}
