// SPDX-License-Identifier: Apache-2.0
import Mail

/// What each command does, by state.
extension Session {
    mutating func perform(_ command: Command) {
        switch command {
        case .capa: return say(.ok("Capabilities"), lines: capabilities)
        case .lang(let tag): return chooseLanguage(tag)
        case .apop: return say(.noAPOP)
        default: break
        }
        switch state {
        case .authorization(let user): authorize(command, user: user)
        case .transaction: transact(command)
        default: preconditionFailure("no command is read in \(state)")
        }
    }

    // MARK: - AUTHORIZATION state (RFC 1939 §4)

    private mutating func authorize(_ command: Command, user: [UInt8]?) {
        switch command {
        case .user(let name):
            guard isLoginAllowed else { return say(.tlsFirst) }
            state = .authorization(user: name)
            say(.continueWithPassword)
        case .pass(let password):
            guard isLoginAllowed else { return say(.tlsFirst) }
            guard let user else { return say(.userFirst) }
            logIn(Credentials(user: user, password: password))
        case .authList:
            guard isLoginAllowed else { return say(.tlsFirst) }
            say(.ok("Mechanisms"), lines: SASLExchange.Mechanism.allCases.map(\.rawValue))
        case .auth(let mechanism, let initialResponse):
            guard isLoginAllowed else { return say(.tlsFirst) }
            guard let mechanism = SASLExchange.Mechanism(name: mechanism) else {
                return say(.unknownMechanism)
            }
            var exchange = SASLExchange(mechanism)
            let step = exchange.begin(initialResponse: initialResponse)
            proceed(step, exchange)
        case .stls: startTLS()
        case .utf8:
            isUTF8 = true
            say(.utf8Mode)
        case .quit:
            say(.bye)
            close()
        default: say(.notNow)
        }
    }

    private mutating func logIn(_ credentials: Credentials?) {
        // Names and passwords that nobody can have are answered like wrong ones.
        guard let credentials else {
            state = .authorization(user: nil)
            return say(.loginFailed)
        }
        ask(.logIn(credentials), .loggingIn)
    }

    private mutating func startTLS() {
        if isSecure { return say(.tlsActive) }
        guard settings.offersTLS else { return say(.tlsUnavailable) }
        // What was sent along in plain text could have been put there by anybody (CVE-2011-0411).
        guard pendingCount == 0 else {
            say(.tlsNoPipelining)
            return close()
        }
        say(.beginTLS)
        ask(.startTLS, .securing)
    }

    /// No password without TLS (RFC 8314 §4.1), unless the operator has said so.
    var isLoginAllowed: Bool { isSecure || settings.allowsPlainLogin }

    // MARK: - TRANSACTION state (RFC 1939 §5, §7)

    private mutating func transact(_ command: Command) {
        switch command {
        case .stat: say(.ok("\(maildrop.count) \(maildrop.octets)"))
        case .list(nil): beginListing(.sizes)
        case .uidl(nil): beginListing(.uniqueIDs)
        case .list(let number?):
            guard let index = maildrop.index(of: number) else { return say(.noSuchMessage) }
            say(.ok("\(number) \(maildrop.size(at: index))"))
        case .uidl(let number?):
            guard let index = maildrop.index(of: number) else { return say(.noSuchMessage) }
            let uniqueID = String(decoding: maildrop.uniqueID(at: index), as: UTF8.self)
            say(.ok("\(number) \(uniqueID)"))
        case .retr(let number): retrieve(number, bodyLines: nil)
        case .top(let number, let lines): retrieve(number, bodyLines: lines)
        case .dele(let number):
            guard let index = maildrop.index(of: number) else { return say(.noSuchMessage) }
            maildrop.mark(index)
            last = max(last, number)
            say(.ok("Message \(number) deleted"))
        case .noop: say(.done)
        case .rset:
            maildrop.unmarkAll()
            last = 0
            say(.ok("\(maildrop.count) messages (\(maildrop.octets) octets)"))
        case .last: say(.ok("\(last)"))
        case .quit: update()
        default: say(.notNow)
        }
    }

    private mutating func retrieve(_ number: Int, bodyLines: Int?) {
        guard let index = maildrop.index(of: number) else { return say(.noSuchMessage) }
        let heading: Response
        if bodyLines == nil {
            last = max(last, number)
            heading = .ok("\(maildrop.size(at: index)) octets")
        } else {
            heading = .ok("Top of message \(number)")
        }
        ask(
            .retrieve(Retrieval(index: index, bodyLines: bodyLines, heading: heading.line)),
            .retrieving)
    }

    /// The UPDATE state (RFC 1939 §6): only here anything is deleted.
    private mutating func update() {
        let deletions = maildrop.deletions
        if deletions.isEmpty {
            say(.bye)
            close()
        } else {
            ask(.delete(deletions), .updating)
        }
    }

    // MARK: - Listings, in pieces of bounded size

    private mutating func beginListing(_ listing: Listing) {
        say(.ok("\(maildrop.count) messages (\(maildrop.octets) octets)"))
        state = .listing(listing, from: 0)
    }

    mutating func continueListing(_ listing: Listing, from start: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.chunk + 128)
        var index = start
        while index < maildrop.total {
            if bytes.count >= Self.chunk {
                state = .listing(listing, from: index)
                return bytes
            }
            if !maildrop.isMarked(index) {
                bytes.append(decimal: index + 1)
                bytes.append(UInt8(ascii: " "))
                switch listing {
                case .sizes: bytes.append(decimal: maildrop.size(at: index))
                case .uniqueIDs: bytes.append(contentsOf: maildrop.uniqueID(at: index))
                }
                bytes.append(.carriageReturn)
                bytes.append(.lineFeed)
            }
            index += 1
        }
        bytes.append(contentsOf: [UInt8(ascii: "."), .carriageReturn, .lineFeed])
        state = .transaction
        return bytes
    }
}

extension [UInt8] {
    /// Adds a number that is not negative, without a string in between.
    fileprivate mutating func append(decimal number: Int) {
        let start = count
        var rest = number
        repeat {
            append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        self[start...].reverse()
    }
}
