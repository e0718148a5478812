// SPDX-License-Identifier: Apache-2.0
import Common
import Glibc

/// What `wmail config diff` compares with. It serves observation alone: without it everything else goes on.
extension Master {
    /// Leaves the texts that the serving workers were configured from in the run folder, for this user and root.
    func note(_ configuration: Configuration) {
        // Without a run folder there is no scoreboard either, and that was said already.
        guard keeper != nil else { return }
        let places = configuration.places
        do throws(SystemError) {
            let run = try Folder(places.run)
            for (name, text) in [
                (Places.servingName, configuration.text),
                (Places.servingMXName, configuration.localMXText),
            ] {
                let draft = ".\(name)"
                let file = try File(
                    draft, in: run, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
                try file.write(text)
                try run.rename(draft, to: name, in: run)
            }
        } catch {
            Log.write(
                .warning, "configuration.unnoted",
                ["error": error, "hint": "wmail config diff will compare with an older one"])
        }
    }
}
