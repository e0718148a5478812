// SPDX-License-Identifier: Apache-2.0

/// What a message's Received field says of the encryption that it came under.
package struct TLSParameters: Equatable, Sendable {
    /// Such as "TLSv1.3".
    package let version: String
    /// Such as "TLS_AES_256_GCM_SHA384".
    package let cipher: String
    package let bits: Int

    /// What a handshake agreed on.
    package init(version: String, cipher: String, bits: Int) {
        self.version = version
        self.cipher = cipher
        self.bits = bits
    }
}
