// SPDX-License-Identifier: Apache-2.0
import Common
import Mail
import SMTP
import Testing

@testable import smtpd

@Suite struct SessionSettingsTests {
    static func settings(
        auth: LoginPolicy = .optional, canStartTLS: Bool = true,
        _ change: (inout ReceptionSettings) -> Void = { _ in }
    ) -> ServerSettings {
        let listener = ListenerSettings(
            address: SocketAddress(octets: [127, 0, 0, 1], port: 25), service: .smtp,
            implicitTLS: false, group: "g", auth: auth, hostname: "mx.example.test")
        var settings = ReceptionSettings()
        change(&settings)
        return ServerSettings(listener, settings, canStartTLS: canStartTLS)
    }

    @Test func defaultsOfferAll() {
        let settings = Self.settings()
        #expect(settings.extensions == .all && settings.offersTLS)
        #expect(settings.mechanisms == [.plain, .login] && !settings.offersOldAuthentication)
        #expect(!Self.settings(canStartTLS: false).offersTLS)
    }

    @Test func capabilitiesTakenOffTheListAreNotOffered() {
        let settings = Self.settings {
            $0.capabilities.withheld = ["STARTTLS", "PIPELINING", "8BITMIME"]
            $0.capabilities.mechanisms = ["LOGIN"]
            $0.capabilities.offersOldAuthentication = true
        }
        #expect(!settings.offersTLS && !settings.extensions.contains(.pipelining))
        // SMTPUTF8 needs 8BITMIME (RFC 6531 §3.1).
        #expect(settings.extensions.isDisjoint(with: [.eightBitMIME, .smtpUTF8]))
        #expect(settings.extensions.contains(.chunking))
        #expect(settings.mechanisms == [.login] && settings.offersOldAuthentication)
    }

    @Test func aLoginThatIsRequiredIsOfferedWhateverTheListSays() {
        let withhold = { (settings: inout ReceptionSettings) in
            settings.capabilities.withheld = ["AUTH"]
        }
        #expect(Self.settings(auth: .optional, withhold).authentication == .none)
        #expect(Self.settings(auth: .required, withhold).authentication == .required)
        #expect(Self.settings(auth: .none).authentication == .none)
    }

    @Test func submissionIsStricterAboutText() {
        let repair = { (settings: inout ReceptionSettings) in settings.repairLineEndings = true }
        let submission = Self.settings(auth: .required, repair)
        #expect(submission.maxTextLine == 998 && submission.repairsLineEnds)
        let reception = Self.settings(repair)
        #expect(reception.maxTextLine == nil && !reception.repairsLineEnds)
    }
}
