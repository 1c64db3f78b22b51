import Glibc

/// A file descriptor that is closed when its owner lets it go.
struct OwnedDescriptor: ~Copyable {
    /// For system calls while the owner lives: never taken from a temporary, which closes at once.
    let number: Int32

    /// Takes over an open descriptor.
    init(adopting number: Int32) { self.number = number }

    deinit { _ = close(number) }
}

/// Calls again while a signal interrupts; any other failure becomes an error that says what was being done.
@discardableResult
func system<Value: SignedInteger>(
    _ what: @autoclosure () -> String, _ call: () -> Value
) throws(StorageError) -> Value {
    while true {
        let result = call()
        if result >= 0 { return result }
        let number = errno
        if number != EINTR { throw StorageError(what(), number) }
    }
}

extension StorageError {
    /// The error of a failed system call.
    init(_ what: String, _ number: Int32) {
        let reason = String(cString: strerror(number))
        switch number {
        case ENOSPC, EDQUOT: self.init(.full, "\(what): \(reason); free some space", errorNumber: number)
        case ENOENT: self.init(.notFound, "\(what): \(reason)", errorNumber: number)
        case EEXIST: self.init(.exists, "\(what): \(reason)", errorNumber: number)
        default: self.init(.failed, "\(what): \(reason)", errorNumber: number)
        }
    }
}
