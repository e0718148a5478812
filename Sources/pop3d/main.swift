// SPDX-License-Identifier: Apache-2.0
import Common

Worker.run { worker in try Service.start(worker) }
