// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Common

struct CertificateExpiryTests {
    /// Ends before 2050, so with a year of two digits.
    private static let near = """
        -----BEGIN CERTIFICATE-----
        MIIBeDCCAR2gAwIBAgIUcom49h5f8beUo3NheJzgdD0+q4AwCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGYS50ZXN0MB4XDTI2MTEyNzAyMzU0MFoXDTM2MTEyNDAyMzU0
        MFowETEPMA0GA1UEAwwGYS50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
        rs27fB0kMYsiolEMJ4caEkaTNwspjjAZHDiKiNZMfmws0PG/vRZrZEJ/ybFiHcVT
        7pj02XUTHxM+q2gfiQy8aaNTMFEwHQYDVR0OBBYEFKgMoTOe61lMX44xhFbd+5Mf
        LZ3KMB8GA1UdIwQYMBaAFKgMoTOe61lMX44xhFbd+5MfLZ3KMA8GA1UdEwEB/wQF
        MAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhANeIGSTdwP6cdKMBBAcRPAUD7Bl3Vfwd
        y/afwVk2aGkIAiEAzapAe/YwAGTPsr3upXiQb3vs/H2AtLWIG0ozajl3MxA=
        -----END CERTIFICATE-----
        """
    /// Ends after 2050.
    private static let far = """
        -----BEGIN CERTIFICATE-----
        MIIBeTCCAR+gAwIBAgIUZtgt4MKTLOGqvJTcmJAm7VZPRbIwCgYIKoZIzj0EAwIw
        ETEPMA0GA1UEAwwGYS50ZXN0MCAXDTI2MTEyNzAyMzU0MVoYDzIwODEwODMwMDIz
        NTQxWjARMQ8wDQYDVQQDDAZhLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AAThWKkpV257tKLb8+tfRrdCKSzNY/1gZaTD3+/iP6CwkGzPn9cIKNr8ipo7zbQA
        dL/k1De+Wz/MGQRK3gFeo+mNo1MwUTAdBgNVHQ4EFgQUSMRHXKNwCNPDR8VrJ4vO
        dVflvo0wHwYDVR0jBBgwFoAUSMRHXKNwCNPDR8VrJ4vOdVflvo0wDwYDVR0TAQH/
        BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAc+xb61nPz8KlG3mx3v59qjG4kL2Ja
        95yoRrkJwabFpAIhAInwGQMvEfdhQ+NDY8tisF/1MeE8Qn12db0qypl4VVQ5
        -----END CERTIFICATE-----
        """

    @Test(arguments: [
        (near, 2_111_106_940), (far, 3_523_746_941),
        ("text before\n" + far + "\n" + near, 3_523_746_941),
        (near.replacing("\n", with: " \r\n"), 2_111_106_940),
    ])
    func endIsRead(text: String, seconds: Int) {
        #expect(CertificateExpiry.seconds(ofPEM: text) == seconds)
    }

    @Test(arguments: [
        "", "-----BEGIN CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ])
    func otherTextsHaveNone(text: String) {
        #expect(CertificateExpiry.seconds(ofPEM: text) == nil)
    }

    /// Whatever is cut off or changed: no trap.
    @Test func damagedOnesDoNotTrap() {
        let whole: [UInt8] =
            [
                0x30, 0x2A, 0x30, 0x28, 0xA0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01, 0x30, 0x00,
                0x30, 0x00, 0x30,
                0x1A, 0x17, 0x00, 0x17, 0x0D,
            ] + Array("361124023540Z".utf8)
        for count in 0...whole.count {
            _ = CertificateExpiry.seconds(ofDER: Array(whole.prefix(count)))
        }
        for index in whole.indices {
            for value: UInt8 in [0, 0x30, 0x7F, 0x80, 0x84, 0xFF] {
                var bytes = whole
                bytes[index] = value
                _ = CertificateExpiry.seconds(ofDER: bytes)
            }
        }
        #expect(CertificateExpiry.seconds(ofDER: Array(whole.prefix(10))) == nil)
    }
}
