// SPDX-License-Identifier: Apache-2.0
import Mail

/// AUTH (RFC 4954), as smarthosts want it.
extension ClientSession {
    mutating func logIn() {
        guard let credentials = settings.credentials else {
            state = .idle
            return
        }
        let trouble: String
        if !isEncrypted, !settings.maySendPasswordInClear {
            trouble = "no login without TLS: the password would be sent in the clear"
        } else if extensions.authentication.contains("PLAIN") {
            let user = Array(credentials.user.utf8)
            let response = Base64.encode([0] + user + [0] + credentials.password)
            // RFC 5321 §4.5.3.1.4: a command line has 512 octets.
            if response.count <= 490 {
                steps.append(.send(Array("AUTH PLAIN ".utf8) + response + [13, 10]))
            } else {
                send("AUTH PLAIN")
            }
            state = .login(.response(response))
            return
        } else if extensions.authentication.contains("LOGIN") {
            send("AUTH LOGIN")
            state = .login(.user)
            return
        } else {
            trouble = "the server offers neither AUTH PLAIN nor AUTH LOGIN"
        }
        fail(Outcome(.temporary, EnhancedStatus(.temporary, 7, 0), at: .login, trouble))
    }

    mutating func loginAnswered(_ reply: PeerReply, _ login: Login) {
        if reply.code == 235 {
            state = .idle
            return
        }
        guard reply.code == 334, let credentials = settings.credentials else {
            return fail(temporary(reply, at: .login))
        }
        switch login {
        case .response(let response):
            steps.append(.send(response + [13, 10]))
            state = .login(.verdict)
        case .user:
            steps.append(.send(Base64.encode(credentials.user.utf8) + [13, 10]))
            state = .login(.password)
        case .password:
            steps.append(.send(Base64.encode(credentials.password) + [13, 10]))
            state = .login(.verdict)
        case .verdict:
            fail(temporary(reply, at: .login))
        }
    }
}
