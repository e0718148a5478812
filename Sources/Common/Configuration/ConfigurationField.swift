// SPDX-License-Identifier: Apache-2.0

/// A value of a configuration file, to be read as the type that its setting has.
///
/// Every reading method gives nil and reports the problem when the value is something else.
struct ConfigurationField {
    let json: JSON
    /// The last key that leads here; an index for an element of a list.
    let key: String
    /// The keys that lead here, joined by dots.
    let path: String
    /// The same with `*` for names that the operator chooses.
    let pattern: String
    /// Where the key stands; for an element of a list, the element.
    let place: JSONPlace
    let report: ConfigurationReport

    /// Reports a problem with the value.
    func fail(_ problem: String, _ advice: String = "") {
        report.fail(path, at: place, problem, advice)
    }

    /// Reports what the operator should know about the value.
    func warn(_ problem: String, _ advice: String = "") {
        report.warn(path, at: place, problem, advice)
    }

    func boolean() -> Bool? {
        if let value = json.boolean { return value }
        return mismatch("true or false")
    }

    /// A text without control characters.
    func text() -> String? {
        guard let value = json.string else { return mismatch("a text in quotes") }
        guard value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            fail("holds a control character", "remove it")
            return nil
        }
        return value
    }

    /// A text that is not empty.
    func name() -> String? {
        guard let value = text() else { return nil }
        if value.isEmpty {
            fail("is empty")
            return nil
        }
        return value
    }

    /// A whole number in a range; the unit, which says what is counted, is for the message.
    func integer(_ range: ClosedRange<Int>, _ unit: String) -> Int? {
        guard let value = json.integer else { return mismatch("a whole number of \(unit)") }
        guard range.contains(value) else {
            fail(
                "\(value) is out of range",
                "give a number of \(unit) from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }

    /// A number; fractions count.
    func number(_ range: ClosedRange<Double>, _ unit: String) -> Double? {
        guard let value = json.number else { return mismatch("a number of \(unit)") }
        guard range.contains(value) else {
            fail(
                "\(Self.shown(value)) is out of range",
                "give a number of \(unit) from \(Self.shown(range.lowerBound)) to \(Self.shown(range.upperBound))"
            )
            return nil
        }
        return value
    }

    /// A port; also as a text, which the Python program took.
    func port() -> UInt16? {
        let number = json.integer ?? json.string.flatMap { Int($0) }
        guard let number, let port = UInt16(exactly: number), port > 0 else {
            return mismatch("a port from 1 to 65535")
        }
        return port
    }

    /// One of several words, in any case.
    func word<Value>(_ words: KeyValuePairs<String, Value>) -> Value? {
        let list = words.map { "\"\($0.key)\"" }.joined(separator: ", ")
        guard let text = json.string else { return mismatch("one of \(list)") }
        if let found = words.first(where: { $0.key == text.lowercased() }) { return found.value }
        let nearest = KeySpelling.nearest(to: text, among: words.map(\.key))
        fail(
            "\"\(text)\" is not known here",
            nearest.map { "did you mean \"\($0)\"?" } ?? "give one of \(list)")
        return nil
    }

    /// A list, each element read by `body`; elements that it refuses are left out.
    func list<Element>(_ body: (ConfigurationField) -> Element?) -> [Element]? {
        guard let elements = json.elements else { return mismatch("a list in [ ]") }
        return elements.enumerated().compactMap { index, element in
            body(
                ConfigurationField(
                    json: element, key: String(index), path: "\(path)[\(index)]",
                    pattern: "\(pattern)[]", place: element.place, report: report))
        }
    }

    /// A list of texts that are not empty; a single text counts as a list of one.
    func names() -> [String]? {
        if json.string != nil { return name().map { [$0] } }
        return list { $0.name() }
    }

    /// An object of settings; its unknown keys are reported when `body` has asked for the known ones.
    func section<Value>(_ body: (ConfigurationSection) -> Value?) -> Value? {
        guard let members = json.members else { return mismatch("an object in { }") }
        let section = ConfigurationSection(
            members, at: place, path: path, pattern: pattern, report: report)
        let value = body(section)
        section.finish()
        return value
    }

    /// The values of an object whose keys the operator chooses.
    func entries() -> [ConfigurationField]? {
        guard let members = json.members else { return mismatch("an object in { }") }
        return members.map { member in
            ConfigurationField(
                json: member.value, key: member.key,
                path: path.isEmpty ? member.key : "\(path).\(member.key)",
                pattern: "\(pattern).*", place: member.keyPlace, report: report)
        }
    }

    /// Reports that the value is of another kind.
    func mismatch<Value>(_ expected: String) -> Value? {
        fail("is \(json.kind)", "give \(expected)")
        return nil
    }

    private static func shown(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? String(value)
    }
}
