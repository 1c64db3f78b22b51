internal import CPostgres

/// Turns libpq's and PostgreSQL's failures into `DatabaseError`.
enum PostgresErrors {
    /// The failure that a result tells.
    /// - Parameters:
    ///   - result: of a statement that failed.
    ///   - statement: the statement's name.
    /// - Returns: what to throw; its outcome is known, for the server answered.
    static func error(of result: OpaquePointer, statement: String?) -> DatabaseError {
        let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
        let primary = PQresultErrorField(result, Int32(UInt8(ascii: "M"))).map { String(cString: $0) }
        let message = primary ?? firstLine(of: PQresultErrorMessage(result))
        return DatabaseError(
            state.map(code(of:)) ?? .unavailable, "PostgreSQL: \(message).", sqlState: state, statement: statement)
    }

    /// The failure of a connection, with the state that the server gave while connecting.
    static func connectionError(of connection: OpaquePointer, statement: String? = nil) -> DatabaseError {
        let message = firstLine(of: PQerrorMessage(connection))
        let state = sqlState(inVerbose: message)
        return DatabaseError(
            state.map(code(of:)) ?? .unavailable, "PostgreSQL: \(message).", sqlState: state, statement: statement)
    }

    /// libpq gives no state for a refused connection, but puts it into the message where asked to be verbose:
    /// `… FATAL:  28P01: password authentication failed …`.
    static func sqlState(inVerbose message: String) -> String? {
        let words = message.split(separator: " ")
        for (index, word) in words.dropLast().enumerated() where word.hasSuffix(":") {
            let next = words[index + 1]
            guard next.utf8.count == 6, next.hasSuffix(":") else { continue }
            let state = next.dropLast().utf8
            // Each has a digit; FATAL has none.
            let digits = state.filter { (0x30...0x39).contains($0) }.count
            let letters = state.filter { (0x41...0x5A).contains($0) }.count
            if digits > 0, digits + letters == 5 { return String(next.dropLast()) }
        }
        return nil
    }

    /// The kind of a failure.
    /// - Parameter state: an SQLSTATE (PostgreSQL's manual, appendix A).
    /// - Returns: the code; what belongs to no other is `.invalid`.
    static func code(of state: String) -> DatabaseError.Code {
        switch state {
        case "08P01": return .invalid  // such as a wrong number of values
        case "23505": return .uniqueViolation
        case "40001", "40P01": return .serialization
        case "40002": return .constraint
        case "42501": return .denied
        case "53300", "25006", "25P03": return .unavailable  // no slot left, a standby, idle for too long
        case "55006", "55P03": return .locked
        case "57014": return .timedOut
        case "XX001", "XX002": return .corrupt
        default: break
        }
        switch state.prefix(2) {
        case "08", "57", "58", "40": return .unavailable
        case "23": return .constraint
        case "28": return .denied
        case "53", "54": return .full
        default: return .invalid
        }
    }

    private static func firstLine(of text: UnsafePointer<CChar>?) -> String {
        let whole = text.map { String(cString: $0) } ?? ""
        let line = whole.split(separator: "\n").first.map(String.init) ?? "no reason given"
        return line.hasSuffix(".") ? String(line.dropLast()) : line
    }
}
