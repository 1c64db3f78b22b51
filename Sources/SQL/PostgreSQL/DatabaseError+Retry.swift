extension DatabaseError {
    /// Whether a statement that failed so, outside of a transaction, is sent again.
    func isWorthAnother(_ statement: Statement) -> Bool {
        // The server forgot the prepared statement, or its tables have changed: it didn't run.
        if sqlState == "26000" || sqlState == "0A000" { return true }
        switch code {
        case .unavailable: return statement.isRead || !outcomeUnknown
        case .serialization: return true
        case .uniqueViolation, .constraint, .invalid, .closed, .locked, .timedOut, .cancelled, .denied, .full, .corrupt,
            .newerSchema:
            return false
        }
    }

    /// Whether a transaction in which this happened is tried again from its beginning.
    var asksForAnotherTransaction: Bool {
        switch code {
        case .unavailable: !outcomeUnknown
        case .serialization: true
        case .uniqueViolation, .constraint, .invalid, .closed, .locked, .timedOut, .cancelled, .denied, .full, .corrupt,
            .newerSchema:
            sqlState == "26000" || sqlState == "0A000"
        }
    }

    /// The same, where it is certain that nothing took effect.
    var withKnownOutcome: DatabaseError {
        var error = self
        error.outcomeUnknown = false
        return error
    }
}

extension DatabaseError.Code {
    /// Whether an attempt to connect that failed so may succeed a little later.
    var mayPass: Bool {
        switch self {
        case .unavailable, .timedOut, .locked, .serialization, .full: true
        case .uniqueViolation, .constraint, .invalid, .closed, .cancelled, .denied, .corrupt, .newerSchema: false
        }
    }
}
