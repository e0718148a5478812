// SPDX-License-Identifier: Apache-2.0
import Common

Worker.run { worker in
    let slice = try AuthSlice(bytes: worker.slice)
    try Authority.sandbox(slice).enter()
    try Authority(slice).serve(worker)
    worker.ready()
}
