// SPDX-License-Identifier: Apache-2.0
import Common

Worker.run(Program.run)
