internal import HTTPServer
internal import HTTPTypes
internal import Observability

/// Writes one line of the access log; never the query, which may hold a token.
enum AccessLine {
    static func write(_ entry: borrowing AccessLogEntry, to logger: Logger) {
        let (method, path, status) = (entry.method?.name ?? "-", entry.pathBytes, entry.status)
        let (received, sent, time, route) = (entry.bytesIn, entry.bytesOut, entry.nanoseconds, entry.route)
        logger.accessLine { line, appendTime in
            line.append(#"{"time":""#)
            appendTime(&line)
            line.append(#"","message":"request","method":"#)
            line.appendQuoted(method)
            line.append(#","path":"#)
            line.appendQuoted(path)
            line.append(#","route":"#)
            line.appendQuoted(route)
            line.append(#","status":"#)
            line.append(Int64(status))
            line.append(#","in":"#)
            line.append(received)
            line.append(#","out":"#)
            line.append(sent)
            line.append(#","us":"#)
            line.append(time / 1000)
            line.append("}")
        }
    }
}
