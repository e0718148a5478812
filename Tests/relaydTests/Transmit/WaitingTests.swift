// SPDX-License-Identifier: Apache-2.0
import Common
import Policy
import Testing

@testable import relayd

@Suite struct PromptnessTests {
    @Test func oneSlowCallIsEnough() {
        let start = Deadline.now
        var promptness = Promptness()
        #expect(promptness.isGiven(now: start))
        promptness.heed(from: start, to: start.advanced(by: 0.004))
        #expect(promptness.isGiven(now: start.advanced(by: 0.004)))
        promptness.heed(from: start, to: start.advanced(by: 0.006))
        #expect(!promptness.isGiven(now: start.advanced(by: 0.006)))
        #expect(!promptness.isGiven(now: start.advanced(by: 9.9)))
        let again = start.advanced(by: 10.1)
        #expect(promptness.isGiven(now: again))
        promptness.heed(from: again, to: again.advanced(by: 0.001))
        #expect(promptness.isGiven(now: again.advanced(by: 0.001)))
    }
}

@Suite struct FairLineTests {
    @Test func sendersTakeTurns() {
        var line = FairLine<String>()
        for number in 1...1000 { line.append("big\(number)", of: 1) }
        line.append("small", of: 2)
        line.append("other", of: 3)
        let first = (0..<5).map { _ in line.take() }
        #expect(first == ["big1", "small", "other", "big2", "big3"])
        #expect(line.count == 997)
    }

    @Test func nothingIsLostAndEachSendersOrderIsKept() {
        var line = FairLine<[Int]>()
        var expected: [Int: [Int]] = [:]
        var taken: [Int: [Int]] = [:]
        for step in 0..<5000 {
            if Int.random(in: 0..<3) < 2 {
                let sender = Int.random(in: 0..<20)
                line.append([sender, step], of: UInt64(sender))
                expected[sender, default: []].append(step)
            } else if let element = line.take() {
                taken[element[0], default: []].append(element[1])
            }
        }
        while let element = line.take() { taken[element[0], default: []].append(element[1]) }
        #expect(taken == expected)
        #expect(line.isEmpty)
    }

    @Test func someAreKept() {
        var line = FairLine<Int>()
        for number in 0..<300 { line.append(number, of: UInt64(number % 3)) }
        let first = (0..<100).compactMap { _ in line.take() }
        line.keep { $0 % 10 == 0 && $0 % 3 != 2 }
        let expected = (0..<300).filter { !first.contains($0) && $0 % 10 == 0 && $0 % 3 != 2 }
        #expect(line.count == expected.count)
        line.append(1000, of: 2)
        var rest: [Int] = []
        while let number = line.take() { rest.append(number) }
        #expect(rest.sorted() == expected + [1000])
        #expect(line.isEmpty)
    }

    @Test func whatIsPutBackIsItsSendersNext() {
        var line = FairLine<Int>()
        for number in 1...3 { line.append(number, of: 1) }
        let first = line.take()
        #expect(first == 1)
        line.putBack(1, of: 1)
        let again = (0..<3).map { _ in line.take() }
        #expect(again == [1, 2, 3])
        line.putBack(4, of: 9)
        let last = line.take()
        #expect(last == 4)
    }
}

@Suite struct PaceTests {
    @Test func growsWithSuccessUpToItsMost() {
        var pace = Pace(most: 5)
        #expect(pace.connections == 2)
        for _ in 0..<100 { pace.succeeded() }
        #expect(pace.connections == 5)
        #expect(pace.gap == 0)
    }

    @Test func shrinksWithTroubleAndNeverToNothing() {
        var pace = Pace(most: 8)
        for _ in 0..<100 { pace.succeeded() }
        pace.failed()
        #expect(pace.connections == 4)
        for _ in 0..<5 { pace.failed() }
        #expect(pace.connections == 1)
    }

    @Test func slowsDownWhenAskedAndRecovers() {
        var pace = Pace(most: 5)
        pace.slowDown()
        #expect(pace.connections == 1)
        #expect(pace.gap == 1)
        for _ in 0..<20 { pace.slowDown() }
        #expect(pace.gap == Pace.longestGap)
        for _ in 0..<8 { pace.succeeded() }
        #expect(pace.gap == 0)
        #expect(pace.connections > 1)
    }

    @Test func oneIsTheLeast() {
        #expect(Pace(most: 0).connections == 1)
        #expect(Pace(most: 1).connections == 1)
    }
}

@Suite struct HostTroublesTests {
    private func host(_ number: UInt8) -> RemoteHost {
        RemoteHost(
            name: "mx\(number)", address: SocketAddress(octets: [192, 0, 2, number], port: 25),
            protection: .ifOffered)
    }

    @Test func failedHostsComeLastForATime() {
        var troubles = HostTroubles()
        let hosts = [host(1), host(2), host(3)]
        let now = Deadline(nanoseconds: 1_000_000_000_000)
        #expect(troubles.sorted(hosts, at: now) == hosts)
        troubles.note(host(1), at: now)
        #expect(troubles.sorted(hosts, at: now) == [host(2), host(3), host(1)])
        #expect(troubles.sorted(hosts, at: now.advanced(by: HostTroubles.memory + 1)) == hosts)
        troubles.forget(host(1))
        #expect(troubles.sorted(hosts, at: now) == hosts)
    }
}

@Suite struct LetterTests {
    @Test(arguments: [
        ("Return-Path: <a@b.test>\r\nSubject: x\r\n", 25),
        ("return-path:\r\n <a@b.test>\r\nSubject: x\r\n", 27),
        ("Return-Path: <>\r\n\r\nbody", 17),
        ("Received: x\r\nReturn-Path: <>\r\n", 0),
        ("Return-Pathology: x\r\n", 0), ("Return-Path: <>", 0), ("", 0),
    ]) func onlyTheFirstReturnPathStays(text: String, length: Int) {
        #expect(Letter.lengthOfReturnPath(Array(text.utf8)) == length)
    }
}
