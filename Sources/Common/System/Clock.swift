// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A point of the monotonic clock: for timeouts, never for the calendar.
package struct Deadline: Comparable, Hashable, Sendable {
    /// Nanoseconds of CLOCK_MONOTONIC.
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    package static var now: Self {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Self(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// So many seconds from now; fractions count.
    package static func seconds(_ seconds: Double) -> Self {
        now.advanced(by: seconds)
    }

    /// So many seconds later.
    package func advanced(by seconds: Double) -> Self {
        Self(nanoseconds: nanoseconds + UInt64(max(0, seconds) * 1e9))
    }

    /// Seconds from an earlier point to this one; 0 when that one is later.
    package func seconds(since earlier: Self) -> Double {
        nanoseconds <= earlier.nanoseconds ? 0 : Double(nanoseconds - earlier.nanoseconds) / 1e9
    }
}

/// The calendar's clock.
package enum WallClock {
    /// Microseconds since 1970-01-01 UTC.
    package static var microseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    /// Whole seconds since 1970-01-01 UTC.
    package static var seconds: Int {
        Int(microseconds / 1_000_000)
    }
}

/// The time zone of this host.
package enum LocalTime {
    /// Seconds east of UTC at a time given in seconds since 1970-01-01 UTC.
    package static func offset(at seconds: Int) -> Int {
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        return parts.tm_gmtoff
    }
}

/// Bytes of the kernel's random source.
package func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        while filled < count {
            let got = getrandom(buffer.baseAddress?.advanced(by: filled), count - filled, 0)
            // getrandom fails only for a bad pointer or before the pool is seeded, and then it waits.
            precondition(got > 0 || errno == EINTR, "getrandom failed")
            if got > 0 { filled += got }
        }
    }
}
