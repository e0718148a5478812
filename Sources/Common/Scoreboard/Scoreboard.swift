// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The run folder's `scoreboard/`: a page for each process, and the sums of those that have ended in `ended.json`.
///
///     scoreboard/<service>.<index>.<sequence>     a ``CounterPage``
///     scoreboard/ended.json                       {"last":17,"smtpd":{"accepted":1204,…},…}
///
/// master alone makes and removes the files. When a process has ended its numbers are added to `ended.json`, which is
/// replaced by a rename and says with `last` whose page was added latest; only then the page goes. A reader that sees
/// the same `ended.json` before and after the pages, and leaves out the page of `last`, has counted everything once.
package enum Scoreboard {
    /// Below the run folder.
    package static let folderName = "scoreboard"
    package static let endedName = "ended.json"

    /// A process whose page is there.
    package struct Row: Equatable, Sendable {
        /// Such as `smtpd`.
        package let service: String
        package let index: Int
        package let page: CounterPage

        /// The file's name.
        package static func name(_ service: String, _ index: Int, _ sequence: Int) -> String {
            "\(service).\(index).\(sequence)"
        }
    }

    /// All numbers at one moment.
    package struct Reading: Equatable, Sendable {
        /// Seconds since some moment before.
        package var time: Deadline
        package var rows: [Row]
        /// By service, the sums of processes that have ended.
        package var ended: [String: [Counter: Int]]

        /// A service's sum, of living and ended processes; of a gauge, the living ones alone.
        package func sum(_ counter: Counter, of service: String) -> Int {
            let living = rows.filter { $0.service == service }.reduce(0) { $0 + $1.page[counter] }
            return living + (counter.isGauge ? 0 : ended[service]?[counter] ?? 0)
        }

        /// The services that have counted anything, master first.
        package var services: [String] {
            let names = Set(rows.map(\.service)).union(ended.keys)
            return names.sorted { ($0 == "master" ? "" : $0) < ($1 == "master" ? "" : $1) }
        }
    }

    /// Reads everything.
    ///
    /// - Parameter run: The run folder.
    /// - Returns: What all processes have counted.
    /// - Throws: `SystemError`; ENOENT when no master has ever run here.
    package static func read(_ run: String) throws(SystemError) -> Reading {
        let folder = try Folder("\(run)/\(folderName)", listable: true)
        while true {
            let before = try ended(in: folder)
            var rows: [Row] = []
            for name in try folder.names() {
                guard let row = try row(named: name, in: folder),
                    row.page.facts.sequence != before["last"]?.integer
                else { continue }
                rows.append(row)
            }
            guard try ended(in: folder) == before else { continue }
            rows.sort {
                ($0.service, $0.index, $0.page.facts.sequence) < (
                    $1.service, $1.index, $1.page.facts.sequence
                )
            }
            return Reading(time: .now, rows: rows, ended: sums(before))
        }
    }

    static func ended(in folder: borrowing Folder) throws(SystemError) -> JSON {
        do throws(SystemError) {
            let bytes = try File(endedName, in: folder).readAll(limit: 1 << 20)
            do throws(JSONError) {
                return try JSON(parsing: bytes)
            } catch {
                // Written by a rename: only a hand can have spoilt it.
                return [:]
            }
        } catch  where error.code == ENOENT {
            return [:]
        }
    }

    private static func row(named name: String, in folder: borrowing Folder) throws(SystemError)
        -> Row?
    {
        let parts = name.split(separator: ".")
        guard parts.count == 3, let index = Int(parts[1]), Int(parts[2]) != nil else { return nil }
        do throws(SystemError) {
            let bytes = try File(name, in: folder).read(atMost: 4096, at: 0)
            return CounterPage(bytes).map { Row(service: String(parts[0]), index: index, page: $0) }
        } catch  where error.code == ENOENT {
            return nil
        }
    }

    static func sums(_ json: JSON) -> [String: [Counter: Int]] {
        var sums: [String: [Counter: Int]] = [:]
        for member in json.members ?? [] {
            guard let counters = member.value.members else { continue }
            var sum: [Counter: Int] = [:]
            for counter in Counter.allCases {
                sum[counter] = counters.first { $0.key == counter.name }?.value.integer
            }
            sums[member.key] = sum
        }
        return sums
    }
}

extension Counter {
    /// Its word in `ended.json` and in JSON of `wmail status`.
    package var name: String { "\(self)" }
}
