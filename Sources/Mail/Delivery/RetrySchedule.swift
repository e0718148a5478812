// SPDX-License-Identifier: Apache-2.0

/// When a message that could not be delivered is tried again, when its sender is told, and when it comes back.
///
/// All times are seconds since 1970.
package struct RetrySchedule: Equatable, Sendable {
    /// Seconds until the next attempt after the first, second, … failure, the last repeats; never empty.
    private let waits: [Double]
    /// How much each wait is varied at random, up and down: 0 to 1.
    private let jitter: Double
    /// Seconds from arrival to the warning; nil for none.
    private let warnAfter: Double?
    /// Seconds from arrival to the end of all attempts.
    private let giveUpAfter: Double

    /// The shortest wait, in seconds: an attempt must have ended before the next begins.
    private static let shortestWait = 1.0

    /// A schedule as it is configured.
    ///
    /// - Parameters:
    ///   - retryMinutes: Minutes until the next attempt; an empty list is five minutes.
    ///   - jitterPercent: How much each is varied at random, up and down.
    ///   - warnAfterHours: 0 is never.
    ///   - giveUpAfterDays: Then the message comes back.
    package init(
        retryMinutes: [Double], jitterPercent: Int, warnAfterHours: Double, giveUpAfterDays: Double
    ) {
        waits = retryMinutes.isEmpty ? [300] : retryMinutes.map { $0 * 60 }
        jitter = Double(min(max(jitterPercent, 0), 100)) / 100
        warnAfter = warnAfterHours > 0 ? warnAfterHours * 3600 : nil
        giveUpAfter = giveUpAfterDays * 86_400
    }

    /// When the sender of a message is told that it is late; nil for never.
    package func warning(arrived: Int) -> Int? {
        guard let warnAfter, warnAfter < giveUpAfter else { return nil }
        return arrived + Int(warnAfter.rounded(.up))
    }

    /// When a message is given up.
    package func expiry(arrived: Int) -> Int { arrived + Int(giveUpAfter.rounded(.up)) }

    /// When to try again, after so many failed attempts (from 1); random within the jitter.
    package func next(
        after attempts: Int, now: Int, using generator: inout some RandomNumberGenerator
    ) -> Int {
        let wait = waits[min(max(attempts, 1), waits.count) - 1]
        let factor = jitter > 0 ? Double.random(in: 1 - jitter...1 + jitter, using: &generator) : 1
        return now + Int(max(wait * factor, Self.shortestWait).rounded(.up))
    }
}
