// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

@Suite struct LocalMXTests {
    @Test func findsTheNearestDomain() throws {
        let text = """
            { "Example.org.": { smtp: "Mail.Example.org", ports: [465, "25"] },
              "sub.example.org": { "mx": ["a", "192.0.2.1"] }, "org": { smtp: "b", mx: "ignored" } }
            """
        let (table, warnings) = try LocalMX.read(Array(text.utf8), file: "localMX.json")
        #expect(warnings.isEmpty)
        let cases: [(String, [String]?)] = [
            ("EXAMPLE.org", ["mail.example.org"]), ("x.example.org.", ["mail.example.org"]),
            ("sub.example.org", ["a", "192.0.2.1"]), ("y.sub.example.org", ["a", "192.0.2.1"]),
            ("notexample.org", ["b"]), ("example.com", nil), ("xorg", nil),
        ]
        for (domain, hosts) in cases { #expect(table.route(for: domain)?.hosts == hosts) }
        #expect(table.route(for: "example.org")?.ports == [465, 25])
    }

    @Test func refusesMistakes() {
        let text = """
            { "a": { smpt: "x" },
              "b c": { smtp: "x" },
              "d": { smtp: "x", ports: [0] } }
            """
        let error = #expect(throws: ConfigurationError.self) {
            try LocalMX.read(Array(text.utf8), file: "m")
        }
        #expect(
            error?.problems.map(\.description) == [
                "m:1:3: a: names no server; add \"smtp\": \"mail.example.org\"",
                "m:1:10: a.smpt: unknown key; did you mean \"smtp\"?",
                "m:2:3: b c: \"b c\" is no domain; give a name such as \"example.org\"",
                "m:3:29: d.ports[0]: is a number; give a port from 1 to 65535",
            ])
    }

    @Test func warnsOfTheTableThatOldFirstStartsWrote() throws {
        let text = #"{ "gmail.com": { "smtp": "smtp.gmail.com", "ports": [587, 465] } }"#
        let (_, warnings) = try LocalMX.read(Array(text.utf8), file: "m")
        #expect(warnings.map(\.key) == ["gmail.com.smtp"])
    }
}

@Suite struct ReportTemplateTests {
    @Test func fillsInOnceAndEscapes() {
        let template = ReportTemplate(
            "Subject: $TITLE\r\nFrom: <$MAIL_FROM>\r\n\r\n$MAIL_FROM|$DSN_TABLE|$XY|$|$RECIPIENTS")
        let html = template.html([
            .mailFrom: "<a&\"b'>", .dsnTable: "<table>", .recipient: "$REASON",
        ])
        #expect(html == "&lt;a&amp;&quot;b&#39;&gt;|<table>|$XY|$|$REASONS")
        #expect(template.header.contains(.variable(.title)))
        #expect(ReportTemplate(template.text) == template)
    }

    @Test func needsNoHeader() {
        let template = ReportTemplate("<p>$TIME</p>\n\n<p>")
        #expect(template.header.isEmpty)
        #expect(template.html([.time: "now"]) == "<p>now</p>\n\n<p>")
        #expect(ReportTemplate(template.text) == template)
        #expect(ReportTemplate("").html([:]).isEmpty)
    }
}
