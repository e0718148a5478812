// SPDX-License-Identifier: Apache-2.0
import Common

/// Prometheus' text format (version 0.0.4).
struct MetricsText {
    private(set) var text = ""

    /// Everything that a report tells.
    init(_ report: StatusReport) {
        add("wmail_up", "Whether the server runs.", [([:], report.master == nil ? 0 : 1)])
        let reading = report.reading
        for counter in Counter.allCases {
            let samples: [(KeyValuePairs<String, String>, Int)] = (reading?.services ?? []).filter(
                counter.belongs
            )
            .map { service in (["service": service], reading?.sum(counter, of: service) ?? 0) }
            add(counter.metric, counter.words, samples, isCounter: !counter.isGauge)
        }
        let living = (reading?.rows ?? []).compactMap { row in
            report.facts[row.page.facts.process].map { (row, $0) }
        }
        add(
            "wmail_process_start_time_seconds", "When a process was started, since 1970.",
            living.map { (Self.labels($0.0), $0.0.page.facts.started) })
        add(
            "wmail_process_resident_memory_bytes", "Memory of a process.",
            living.map { (Self.labels($0.0), $0.1.resident) })
        let places = QueuePlace.allCases.compactMap { place in
            report.queue?.places[place].map { (place.rawValue, $0) }
        }
        add(
            "wmail_queue_entries", "Entries in a folder of the queue.",
            places.map { (["place": $0.0], $0.1.entries) })
        add(
            "wmail_queue_oldest_seconds", "Age of the oldest entry.",
            places.map { (["place": $0.0], $0.1.oldest.map { max(0, report.now - $0) } ?? 0) })
    }

    private static func labels(_ row: Scoreboard.Row) -> KeyValuePairs<String, String> {
        ["service": row.service, "index": "\(row.index)", "sequence": "\(row.page.facts.sequence)"]
    }

    private mutating func add(
        _ name: String, _ help: String, _ samples: [(KeyValuePairs<String, String>, Int)],
        isCounter: Bool = false
    ) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(isCounter ? "counter" : "gauge")\n"
        for (labels, value) in samples {
            // Labels are words of ours, never a client's.
            let list = labels.map { "\($0.key)=\"\($0.value)\"" }.joined(separator: ",")
            text += list.isEmpty ? "\(name) \(value)\n" : "\(name){\(list)} \(value)\n"
        }
    }
}
