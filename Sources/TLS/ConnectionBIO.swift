// SPDX-License-Identifier: Apache-2.0
import COpenSSL
import Common
import Glibc

/// The library's way to a connection (BIO_meth_new(3ssl)).
///
/// Through it the library asks the kernel for no input that is known not to be there, and what it sends in small pieces,
/// as at the end of a handshake or of a session, goes out with one call.
nonisolated enum ConnectionBIO {
    /// Lets a session use a connection, which must outlive it.
    ///
    /// - Returns: Whether the library had room.
    @MainActor static func attach(_ connection: Connection, to session: OpaquePointer) -> Bool {
        guard let method, let bio = BIO_new(method) else { return false }
        BIO_set_data(bio, Unmanaged.passUnretained(connection).toOpaque())
        BIO_set_init(bio, 1)
        SSL_set_bio(session, bio, bio)
        return true
    }

    /// Made once; nil only without memory.
    @MainActor private static let method: OpaquePointer? = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection")
        else { return nil }
        BIO_meth_set_read(method) { bio, buffer, size in
            ConnectionBIO.read(UInt(bitPattern: bio), UInt(bitPattern: buffer), Int(size))
        }
        BIO_meth_set_write(method) { bio, bytes, size in
            ConnectionBIO.write(UInt(bitPattern: bio), UInt(bitPattern: bytes), Int(size))
        }
        BIO_meth_set_ctrl(method) { bio, command, _, _ in
            switch command {
            // Whoever waits for the peer flushes the connection.
            case BIO_CTRL_FLUSH: 1
            case BIO_CTRL_EOF: BIO_test_flags(bio, BIO_FLAGS_IN_EOF) == 0 ? 0 : 1
            default: 0
            }
        }
        return method
    }()

    /// The library is called on the event loop only, and so are these.
    private static func read(_ bio: UInt, _ buffer: UInt, _ size: Int) -> Int32 {
        MainActor.assumeIsolated {
            guard let bio = OpaquePointer(bitPattern: bio), let connection = connection(of: bio)
            else { return -1 }
            wm_bio_clear_retry(bio)
            let room = UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: buffer), count: size)
            switch connection.receive(into: room) {
            case .octets(let count): return Int32(count)
            case .nothing:
                wm_bio_retry_read(bio)
                return -1
            case .ended:
                BIO_set_flags(bio, BIO_FLAGS_IN_EOF)
                return 0
            case .failed(let code):
                errno = code
                return -1
            }
        }
    }

    private static func write(_ bio: UInt, _ bytes: UInt, _ size: Int) -> Int32 {
        MainActor.assumeIsolated {
            guard let bio = OpaquePointer(bitPattern: bio), let connection = connection(of: bio)
            else { return -1 }
            wm_bio_clear_retry(bio)
            let bytes = UnsafeRawBufferPointer(
                start: UnsafeRawPointer(bitPattern: bytes), count: size)
            do throws(StreamError) {
                let count = try connection.gather(bytes)
                if count > 0 || size == 0 { return Int32(count) }
                wm_bio_retry_write(bio)
                return -1
            } catch {
                if case .system(let error) = error { errno = error.code } else { errno = EPIPE }
                return -1
            }
        }
    }

    @MainActor private static func connection(of bio: OpaquePointer) -> Connection? {
        BIO_get_data(bio).map { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue() }
    }
}
