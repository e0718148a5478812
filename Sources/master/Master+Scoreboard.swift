// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What `wmail status` reads. It serves observation alone: without it everything else goes on.
extension Master {
    /// Begins an empty scoreboard with a page of this process.
    func beginScoreboard(in run: String) {
        do throws(SystemError) {
            let keeper = try ScoreboardKeeper(run: run)
            let own = try keeper.page("master", 0, generation: 0)
            try keeper.assign(own.page, to: Int(getpid()))
            try CounterPage.use(own.file.descriptor)
            self.keeper = keeper
        } catch {
            Log.write(
                .warning, "scoreboard.missing",
                [
                    "error": error,
                    "hint": "wmail status and metrics will know nothing of the processes",
                ])
        }
    }

    /// Makes a page for a worker that was just started, and sends it.
    func givePage(to process: Int32, in slot: Slot, of generation: Int) {
        guard let keeper else { return }
        do throws(SystemError) {
            let new = try keeper.page(slot.service.rawValue, slot.index, generation: generation)
            pages[process] = new.page
            try keeper.assign(new.page, to: Int(process))
            try controls[process]?.order("page", passing: new.file.number)
        } catch {
            Log.write(.warning, "scoreboard.missing", ["process": process, "error": error])
        }
    }

    /// Adds up what a worker had counted when it ended.
    func endPage(of process: Int32) {
        guard let keeper, let page = pages.removeValue(forKey: process) else { return }
        do throws(SystemError) {
            try keeper.end(page)
        } catch {
            Log.write(.warning, "scoreboard.lost", ["process": process, "error": error])
        }
    }
}
