// SPDX-License-Identifier: Apache-2.0

/// Seconds since 1970-01-01 UTC as people and programs read them in files: `2026-11-24T03:42:36Z` (RFC 3339).
package enum Timestamp {
    /// Writes a time; years 1970 to 9999.
    package static func text(_ seconds: Int) -> String {
        let (year, month, day) = civil(seconds.flooredQuotient(86_400))
        let rest = seconds - seconds.flooredQuotient(86_400) * 86_400
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T"
            + "\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))Z"
    }

    /// Reads exactly what ``text(_:)`` writes, from octets.
    package static func seconds(_ text: some Collection<UInt8>) -> Int? {
        seconds(ArraySlice(text))
    }

    /// The same; a start reads a hundred thousand of them.
    package static func seconds(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.count == form.count else { return nil }
        var numbers = [0, 0, 0, 0, 0, 0]
        for position in 0..<form.count {
            let (octet, mark) = (text[text.startIndex + position], form[position])
            if (0x30...0x35).contains(mark) {
                guard (0x30...0x39).contains(octet) else { return nil }
                let index = Int(mark - 0x30)
                numbers[index] = numbers[index] * 10 + Int(octet - 0x30)
            } else if octet != mark {
                return nil
            }
        }
        guard (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24,
            numbers[4] < 60, numbers[5] < 61
        else { return nil }
        return days(numbers[0], numbers[1], numbers[2]) * 86_400 + numbers[3] * 3600
            + numbers[4] * 60 + numbers[5]
    }

    /// Which number each digit belongs to, and what stands between them.
    private static let form = Array("0000-11-22T33:44:55Z".utf8)

    private static func pad(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// Days since 1970-01-01 as year, month, day: eras of 400 years that begin with March.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let fromMarch = (5 * dayOfYear + 2) / 153
        let month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * fromMarch + 2) / 5 + 1)
    }

    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year.flooredQuotient(400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }
}

extension Int {
    fileprivate func flooredQuotient(_ divisor: Int) -> Int {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
