// SPDX-License-Identifier: Apache-2.0
// Modules: CommonJSON=Common/JSON
import CommonJSON

/// No text makes the reader crash; what it reads is written back with the same meaning; and a value that the editor
/// puts in can be taken out again without a trace.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let json = read(bytes) else { return 0 }
    precondition(read(json.compactBytes) == json, "compact writing changed the meaning")
    precondition(read(Array(json.pretty.utf8)) == json, "pretty writing changed the meaning")
    precondition(!json.compactBytes.contains(0x0A), "a line that is two")
    do throws(JSONError) {
        try edit(bytes)
    } catch {
        preconditionFailure("the editor made a mistake: \(error)")
    }
    return 0
}

private func read(_ bytes: [UInt8]) -> JSON? {
    do throws(JSONError) {
        return try JSON(parsing: bytes, sizeLimit: 1 << 20)
    } catch {
        precondition(error.line > 0 && error.column > 0)
        return nil
    }
}

private func edit(_ bytes: [UInt8]) throws(JSONError) {
    var editor = try JSONEditor(bytes)
    let before = editor.json
    if let members = before.members {
        let key = "new key"
        guard before[key] == nil else { return }
        try editor.insert(key, ["a": [1, "b"]])
        precondition(editor.json.members?.count == members.count + 1)
        precondition(editor.json[key]?["a"]?[1] == "b")
        try editor.remove([.key(key)])
        precondition(editor.json == before, "inserting and removing left a trace")
        for member in members {
            try editor.replace([.key(member.key)], with: "x")
            precondition(editor.json[member.key] == "x")
        }
        for member in members { try editor.remove([.key(member.key)]) }
        precondition(editor.json == [:], "something was left over")
    } else if let elements = before.elements {
        try editor.append("new", to: [])
        precondition(editor.json.elements?.count == elements.count + 1)
        try editor.remove([.index(elements.count)])
        precondition(editor.json == before, "appending and removing left a trace")
        for _ in elements { try editor.remove([0]) }
        precondition(editor.json == [], "something was left over")
    }
}
