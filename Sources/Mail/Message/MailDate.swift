// SPDX-License-Identifier: Apache-2.0

/// A date and time as mail writes it (RFC 5322 §3.3).
package struct MailDate: Hashable, Sendable {
    /// Since 1970-01-01 00:00 UTC.
    package let seconds: Int
    /// Minutes east of UTC.
    package let offset: Int

    /// Years with four digits; anything beyond is written as the nearest of them.
    private static let range = -62_135_596_800...253_402_214_400

    /// The date of so many seconds since 1970, for a clock so many minutes east of UTC.
    package init(seconds: Int, offset: Int = 0) {
        self.seconds = min(max(seconds, Self.range.lowerBound), Self.range.upperBound)
        self.offset = min(max(offset, -1439), 1439)
    }
}

extension MailDate: CustomStringConvertible {
    /// Such as `Tue, 24 Nov 2026 03:45:00 +0000`.
    package var description: String {
        let local = max(seconds + offset * 60, Self.range.lowerBound)
        let (days, second) = Self.divide(local, 86_400)
        let (year, month, day) = Self.civil(fromDays: days)
        let weekday = Self.weekdays[Self.divide(days + 4, 7).remainder]
        let time = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }
        let zone = Self.padded(abs(offset) / 60, 2) + Self.padded(abs(offset) % 60, 2)
        return "\(weekday), \(day) \(Self.months[month - 1]) \(Self.padded(year, 4)) "
            + time.joined(separator: ":") + (offset < 0 ? " -" : " +") + zone
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// Rounds down, so that dates before 1970 come out right.
    private static func divide(_ number: Int, _ by: Int) -> (quotient: Int, remainder: Int) {
        let remainder = ((number % by) + by) % by
        return ((number - remainder) / by, remainder)
    }

    /// The day of the Gregorian calendar, counted in years that begin in March, in eras of 400 years.
    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = divide(days + 719_468, 146_097)
        let leapDays = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra = (dayOfEra - leapDays) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * shifted + 2) / 5 + 1
        )
    }
}
