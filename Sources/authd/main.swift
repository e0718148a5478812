// SPDX-License-Identifier: Apache-2.0
import Common

Worker.run { worker in
    let slice = try AuthSlice(bytes: worker.slice)
    // Nothing but the accounts: reading them, and putting a new version in a file's place.
    try Sandbox(
        paths: [
            ("\(slice.root)/usermanager", [.read, .list, .create, .write, .remove])
        ], calls: .files
    ).enter()
    let authority = try Authority(slice)
    worker.onClient = { program, process, descriptor in
        authority.serve(worker: "\(program)[\(process)]", descriptor)
    }
    authority.onIdle = { if worker.ending != nil { worker.finish() } }
    worker.onEnding = { ending in
        // A retiring one is left by its workers as they are introduced to the next.
        if ending == .stop || authority.isIdle { worker.finish() }
    }
    worker.ready()
}
