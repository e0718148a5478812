// SPDX-License-Identifier: Apache-2.0
import Common

/// The instance that a command works on, read as the server reads it.
struct Instance {
    let places: Places

    init(_ places: Places) {
        self.places = places
    }

    /// `config.json` and what belongs to it.
    ///
    /// - Throws: ``Failure`` with everything that is wrong with it.
    func configuration() throws(Failure) -> Configuration {
        do throws(ConfigurationError) {
            return try ConfigurationFile.load(places)
        } catch {
            throw Failure(error)
        }
    }

    /// The `group.json` of every group, in the order of `config.json`.
    ///
    /// - Throws: ``Failure`` with everything that is wrong with any of them.
    func accounts() throws(Failure) -> [AccountFile] {
        let configuration = try configuration()
        do throws(ConfigurationError) {
            return try configuration.readAccounts()
        } catch {
            throw Failure(error)
        }
    }
}
