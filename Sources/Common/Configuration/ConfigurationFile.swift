// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Reads `config.json` and what belongs to it.
package enum ConfigurationFile {
    /// Reads and checks the configuration of an instance: `config.json`, `localMX.json`, the report templates.
    ///
    /// Certificates and `group.json` are read by those who may; see ``CertificateFiles/read()`` and `AccountFile`.
    ///
    /// - Throws: Everything that is wrong, not only the first.
    package static func load(
        _ places: Places, host: HostFacts = .current
    ) throws(ConfigurationError) -> Configuration {
        let bytes = try contents(
            of: places.configurationFile,
            advice: "is this the right root folder? A first start in an empty one makes the file")
        var problems: [ConfigurationProblem] = []
        var configuration: Configuration?
        do throws(ConfigurationError) {
            configuration = try read(
                bytes, file: places.configurationFile, places: places, host: host)
            configuration?.text = bytes
        } catch {
            problems += error.problems
        }
        do throws(ConfigurationError) {
            if let bytes = try contentsIfAny(of: places.localMXFile) {
                let (localMX, warnings) = try LocalMX.read(bytes, file: places.localMXFile)
                configuration?.localMX = localMX
                configuration?.localMXText = bytes
                configuration?.warnings += warnings
            }
        } catch {
            problems += error.problems
        }
        guard let configuration, problems.isEmpty else { throw ConfigurationError(problems) }
        return configuration
    }

    /// Checks the text of a `config.json`; of other files only the report templates are looked at.
    ///
    /// - Throws: Everything that is wrong, in the order of the file.
    package static func read(
        _ bytes: [UInt8], file: String, places: Places, host: HostFacts = .current
    ) throws(ConfigurationError) -> Configuration {
        let reader = ConfigurationReader(
            report: ConfigurationReport(file: file), places: places, host: host)
        return try reader.read(bytes)
    }

    /// Every key that `config.json` may have, with `*` for names that the operator chooses.
    ///
    /// For the check that documents and samples name them all.
    package static func knownKeys(
        in bytes: [UInt8], places: Places
    ) throws(ConfigurationError) -> Set<String> {
        let report = ConfigurationReport(file: "config.json")
        let reader = ConfigurationReader(
            report: report, places: places, host: HostFacts(hostname: "localhost", processors: 1))
        _ = try reader.read(bytes)
        return Set(report.knownKeys)
    }

    private static func contents(
        of path: String, advice: String
    ) throws(ConfigurationError) -> [UInt8] {
        do throws(SystemError) {
            return try File(path: path).readAll(limit: 4 << 20)
        } catch {
            throw ConfigurationError(error, file: path, advice: advice)
        }
    }

    private static func contentsIfAny(of path: String) throws(ConfigurationError) -> [UInt8]? {
        do throws(SystemError) {
            return try File(path: path).readAll(limit: 4 << 20)
        } catch {
            if error.code == ENOENT { return nil }
            throw ConfigurationError(error, file: path)
        }
    }
}
