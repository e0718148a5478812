// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc
import Testing

@testable import master

private let authd = Slot(service: .authd, index: 0)
private let deliver = Slot(service: .deliver, index: 0)
private let smtpd0 = Slot(service: .smtpd, index: 0)
private let smtpd1 = Slot(service: .smtpd, index: 1)
private let pop3d = Slot(service: .pop3d, index: 0)
private let all = [authd, deliver, smtpd0, smtpd1, pop3d]

private func at(_ seconds: Double) -> Deadline {
    Deadline(nanoseconds: 1_000_000_000_000).advanced(by: seconds)
}

struct SupervisorTests {
    /// Carries out what can be without processes: starts get the process numbers 100, 101, … per generation.
    private struct World {
        var supervisor = Supervisor()
        var nextProcess: Int32 = 100
        var processes: [Slot: Int32] = [:]
        var done: [Supervisor.Action] = []

        mutating func carryOut(_ actions: [Supervisor.Action], at now: Deadline) {
            for action in actions {
                done.append(action)
                guard case .start(let slot, let generation) = action else { continue }
                processes[slot] = nextProcess
                nextProcess += 1
                let next = supervisor.started(nextProcess - 1, in: slot, of: generation, at: now)
                carryOut(next, at: now)
            }
        }

        mutating func readyAll(at now: Deadline) {
            for process in processes.values.sorted() {
                carryOut(supervisor.ready(process, at: now), at: now)
            }
        }

        mutating func take() -> [Supervisor.Action] {
            defer { done = [] }
            return done
        }

        mutating func keepAlive(at now: Deadline) {
            for process in supervisor.workers.keys { supervisor.alive(process, at: now) }
        }
    }

    /// Generation 1 serves with 100 authd, 101 deliver, 102 and 103 smtpd, 104 pop3d.
    private func servingWorld() -> World {
        var world = World()
        world.carryOut(world.supervisor.change(to: all, at: at(0)), at: at(0))
        world.readyAll(at: at(1))
        _ = world.take()
        return world
    }

    @Test func authdIsFirstAndClientsAreIntroduced() {
        var world = World()
        world.carryOut(world.supervisor.change(to: all, at: at(0)), at: at(0))
        #expect(
            world.take() == [
                .start(authd, generation: 1), .start(deliver, generation: 1),
                .start(smtpd0, generation: 1), .introduce(client: 102, authd: 100),
                .start(smtpd1, generation: 1), .introduce(client: 103, authd: 100),
                .start(pop3d, generation: 1), .introduce(client: 104, authd: 100),
            ])
        for process: Int32 in [100, 101, 103, 104] {
            #expect(world.supervisor.ready(process, at: at(0.1)) == [])
        }
        #expect(world.supervisor.ready(102, at: at(0.1)) == [.serving(generation: 1)])
        #expect(world.supervisor.ready(102, at: at(0.2)) == [], "said twice")
    }

    @Test func deadWorkerIsReplacedAtOnce() {
        var world = servingWorld()
        let end = ProcessEnd.killed(signal: SIGKILL)
        world.carryOut(world.supervisor.died(103, end, at: at(61)), at: at(61))
        #expect(
            world.take() == [
                .report(.died(smtpd1, process: 103, end: end, after: 61, restart: 0)),
                .start(smtpd1, generation: 1), .introduce(client: 105, authd: 100),
            ])
    }

    @Test func newAuthdIsIntroducedToAllClients() {
        var world = servingWorld()
        world.carryOut(world.supervisor.died(100, .exited(1), at: at(20)), at: at(20))
        #expect(
            world.take() == [
                .report(.died(authd, process: 100, end: .exited(1), after: 20, restart: 0)),
                .start(authd, generation: 1), .introduce(client: 102, authd: 105),
                .introduce(client: 103, authd: 105), .introduce(client: 104, authd: 105),
            ])
    }

    @Test func clientWithoutAuthdWaitsForIt() {
        var world = servingWorld()
        // authd dies twice at once, so that it is away for a moment.
        world.carryOut(world.supervisor.died(100, .exited(1), at: at(20)), at: at(20))
        world.carryOut(world.supervisor.died(105, .exited(1), at: at(20)), at: at(20))
        world.carryOut(world.supervisor.died(104, .exited(1), at: at(20.1)), at: at(20.1))
        _ = world.take()
        #expect(world.supervisor.nextTick == at(20.2))
        world.carryOut(world.supervisor.tick(at: at(20.2)), at: at(20.2))
        #expect(
            world.take() == [
                .start(authd, generation: 1), .introduce(client: 102, authd: 107),
                .introduce(client: 103, authd: 107), .introduce(client: 106, authd: 107),
            ])
    }

    @Test(arguments: [
        (1, 0), (2, 0.2), (3, 0.4), (4, 0.8), (8, 12.8), (9, 25.6), (10, 30), (1000, 30),
    ])
    func delayGrows(deaths: Int, delay: Double) {
        var place = Generation.Place(slot: smtpd0)
        var last = -1.0
        for _ in 0..<deaths { last = place.delayAfterDeath(age: 0.5, bounds: Bounds()) }
        #expect(abs(last - delay) < 0.001)
        #expect(place.delayAfterDeath(age: 11, bounds: Bounds()) == 0, "lived long enough")
        #expect(place.failures == 1)
    }

    @Test(arguments: [
        (ProcessEnd.exited(1), true), (.exited(0), true), (.killed(signal: SIGKILL), false),
    ])
    func firstStartThatIsRefusedEndsTheService(end: ProcessEnd, ends: Bool) {
        var world = World()
        world.carryOut(world.supervisor.change(to: all, at: at(0)), at: at(0))
        _ = world.take()
        let actions = world.supervisor.died(102, end, at: at(0.1))
        #expect(actions.contains(.stop(103)) == ends)
        #expect(actions.contains(.start(smtpd0, generation: 1)) == !ends)
        guard ends else { return }
        for process: Int32 in [101, 103, 104] {
            _ = world.supervisor.died(process, .exited(0), at: at(0.2))
        }
        #expect(world.supervisor.died(100, .exited(0), at: at(0.2)).last == .exit(code: 1))
    }

    @Test func reloadRetiresTheOldOnlyWhenTheNewAreReady() {
        var world = servingWorld()
        let change = world.supervisor.change(to: [authd, deliver, smtpd0, pop3d], at: at(30))
        world.carryOut(change, at: at(30))
        #expect(world.take().contains(.introduce(client: 107, authd: 105)))
        for process: Int32 in [105, 106, 107] {
            #expect(world.supervisor.ready(process, at: at(31)) == [])
        }
        #expect(
            world.supervisor.ready(108, at: at(31)) == [
                .introduce(client: 102, authd: 105), .introduce(client: 103, authd: 105),
                .introduce(client: 104, authd: 105), .retire(100), .retire(101), .retire(102),
                .retire(103), .retire(104), .serving(generation: 2),
            ])
        // The retired are not replaced.
        let end = ProcessEnd.exited(0)
        #expect(
            world.supervisor.died(103, end, at: at(40)) == [
                .report(.died(smtpd1, process: 103, end: end, after: 40, restart: nil))
            ])
        // A new authd is for them, too.
        world.carryOut(world.supervisor.died(105, .exited(1), at: at(50)), at: at(50))
        #expect(world.take().contains(.introduce(client: 102, authd: 109)))
        // They are bounded.
        world.keepAlive(at: at(630))
        #expect(
            world.supervisor.tick(at: at(631)) == [
                .report(.overdue(authd, process: 100)), .stop(100),
                .report(.overdue(deliver, process: 101)), .stop(101),
                .report(.overdue(smtpd0, process: 102)), .stop(102),
                .report(.overdue(pop3d, process: 104)), .stop(104),
            ])
        world.keepAlive(at: at(635))
        #expect(
            world.supervisor.tick(at: at(635)) == [.kill(100), .kill(101), .kill(102), .kill(104)])
        #expect(world.supervisor.tick(at: at(636)) == [])
    }

    @Test func reloadThatFailsKeepsTheOld() {
        var world = servingWorld()
        world.carryOut(world.supervisor.change(to: [authd, smtpd0], at: at(30)), at: at(30))
        _ = world.supervisor.ready(105, at: at(30))
        #expect(
            world.supervisor.died(106, .exited(1), at: at(30.5)) == [
                .report(
                    .died(smtpd0, process: 106, end: .exited(1), after: 0.5, restart: nil)),
                .kill(105), .abandoned(generation: 2),
            ])
        #expect(world.supervisor.serving?.number == 1)
        // Those that are killed are not replaced.
        #expect(world.supervisor.died(105, .killed(signal: SIGKILL), at: at(30.6)).count == 1)
        // The next attempt has a number of its own.
        let again = world.supervisor.change(to: [authd], at: at(31))
        #expect(again == [.start(authd, generation: 3)])
    }

    @Test func reloadIsBounded() {
        var world = servingWorld()
        world.carryOut(world.supervisor.change(to: [authd, smtpd0], at: at(30)), at: at(30))
        world.keepAlive(at: at(89))
        #expect(world.supervisor.nextTick == at(90))
        #expect(
            world.supervisor.tick(at: at(90)) == [
                .report(.changeTimedOut), .kill(105), .kill(106), .abandoned(generation: 2),
            ])
    }

    @Test func stopEndsAuthdLastAndIsBounded() {
        var world = servingWorld()
        #expect(
            world.supervisor.stop(at: at(10)) == [.stop(101), .stop(102), .stop(103), .stop(104)])
        #expect(!world.supervisor.isWanted(generation: 1))
        #expect(world.supervisor.nextTick == at(13))
        for process: Int32 in [101, 102, 103] {
            #expect(world.supervisor.died(process, .exited(0), at: at(11)).count == 1)
        }
        #expect(world.supervisor.tick(at: at(13)) == [.stop(100)])
        #expect(world.supervisor.nextTick == at(14))
        #expect(world.supervisor.tick(at: at(14)) == [.kill(100), .kill(104)])
        #expect(world.supervisor.nextTick == nil)
        _ = world.supervisor.died(104, .killed(signal: SIGKILL), at: at(14))
        let last = world.supervisor.died(100, .killed(signal: SIGKILL), at: at(14)).last
        #expect(last == .exit(code: 0))
    }

    @Test func stopGoesOnToAuthdWhenTheOthersAreGone() {
        var world = servingWorld()
        _ = world.supervisor.stop(at: at(10))
        for process: Int32 in [101, 102, 103] {
            _ = world.supervisor.died(process, .exited(0), at: at(10.1))
        }
        #expect(world.supervisor.died(104, .exited(0), at: at(10.1)).last == .stop(100))
        #expect(world.supervisor.died(100, .exited(0), at: at(10.1)).last == .exit(code: 0))
    }

    @Test func secondStopKills() {
        var world = servingWorld()
        _ = world.supervisor.stop(at: at(10))
        #expect(
            world.supervisor.stop(at: at(10.5))
                == [.kill(100), .kill(101), .kill(102), .kill(103), .kill(104)])
    }

    @Test func silentWorkerFailsTheWatchdogAndIsReplaced() {
        var world = servingWorld()
        #expect(world.supervisor.isHealthy(at: at(10.9)))
        for process: Int32 in [100, 101, 102, 104] { world.supervisor.alive(process, at: at(10)) }
        #expect(!world.supervisor.isHealthy(at: at(11)), "103 spoke last at 1")
        world.supervisor.alive(103, at: at(11))
        #expect(world.supervisor.isHealthy(at: at(11)))
        for process: Int32 in [100, 101, 102, 104] { world.supervisor.alive(process, at: at(40)) }
        #expect(world.supervisor.nextTick == at(41))
        for second in stride(from: 5.0, to: 41, by: 5) {
            #expect(world.supervisor.tick(at: at(second)) == [])
        }
        #expect(
            world.supervisor.tick(at: at(41)) == [
                .report(.silent(smtpd1, process: 103, seconds: 30)), .kill(103),
            ])
        #expect(world.supervisor.tick(at: at(42)) == [])
    }

    @Test func pauseOfTheMachineIsNobodysFault() {
        var world = servingWorld()
        #expect(world.supervisor.tick(at: at(5)) == [])
        #expect(world.supervisor.tick(at: at(1000)) == [])
        #expect(world.supervisor.isHealthy(at: at(1000)))
    }

    @Test func missingProgramEndsTheFirstStart() {
        var world = World()
        _ = world.supervisor.change(to: [authd, smtpd0], at: at(0))
        #expect(
            world.supervisor.notStarted(authd, of: 1, at: at(0))
                == [.exit(code: 1)])
        #expect(!world.supervisor.isWanted(generation: 1), "smtpd is not started any more")
    }
}
