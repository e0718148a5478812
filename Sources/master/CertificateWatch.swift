// SPDX-License-Identifier: Apache-2.0
import Common
import Mail

/// Says in time when certificates end; asked at every start, reload and renewal of ticket keys, so at least daily.
struct CertificateWatch: Equatable {
    /// How long before the end it is told of, in seconds.
    static let notice = 14 * 86_400

    /// Of one group's certificate.
    struct End: Equatable {
        let group: String
        /// Since 1970; nil when it cannot be read.
        let seconds: Int?
    }

    let ends: [End]

    init(ends: [End]) {
        self.ends = ends
    }

    /// For the certificates of all groups.
    init(_ credentials: [String: [TLSCredential]]) {
        ends = credentials.sorted { $0.key < $1.key }.flatMap { group, list in
            list.map { End(group: group, seconds: CertificateExpiry.seconds(ofPEM: $0.chain)) }
        }
    }

    /// Those that end within the notice, or have ended.
    func ending(at now: Int) -> [End] {
        ends.filter { end in end.seconds.map { $0 - now < Self.notice } ?? false }
    }

    /// The earliest end as a day, such as `2027-02-01`; nil without certificates.
    var earliest: String? {
        ends.compactMap(\.seconds).min().map { String(Timestamp.text($0).prefix(10)) }
    }

    /// Writes a line for each that ends soon.
    func warn(at now: Int) {
        for end in ending(at: now) {
            guard let seconds = end.seconds else { continue }
            let days = (seconds - now) / 86_400
            let hint = "renew it, then reload the service"
            if seconds > now {
                Log.write(
                    .warning, "certificate.expires",
                    [
                        "group": end.group, "until": Timestamp.text(seconds), "days": days,
                        "hint": hint,
                    ])
            } else {
                Log.write(
                    .error, "certificate.expired",
                    ["group": end.group, "until": Timestamp.text(seconds), "hint": hint])
            }
        }
    }
}
