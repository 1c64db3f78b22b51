internal import CPostgres
internal import Glibc
internal import Reactor

/// Where the server is and how to log in: libpq's connection string, as far as it must be known here.
///
/// libpq looks host names up with a blocking call, and in non-blocking mode it never gives up on a silent host. So hosts
/// are resolved here, on a thread of their own, and every address is a target that is tried with a limit of its own.
struct PostgresTarget: Sendable {
    /// One way to try: libpq's keywords and values.
    typealias Parameters = [(keyword: String, value: String)]

    private let common: Parameters
    private let hosts: [String]
    private let numericHosts: [String]
    private let ports: [String]

    /// What is set where the string says nothing: a dead peer is noticed within 25 s, and nothing blocks.
    private static let defaults: Parameters = [
        ("client_encoding", "UTF8"), ("fallback_application_name", "scaleodm"), ("gssencmode", "disable"),
        ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "25000"),
    ]
    private static let resolver = BlockingPool(threads: 2)

    /// Parses a connection string.
    /// - Parameter url: `postgresql://user:password@host:port/name?sslmode=…`, or `host=… user=…`; libpq's own rules.
    /// - Throws: `.invalid` with libpq's reason.
    init(url: String) throws(DatabaseError) {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            // Not libpq's message: it quotes the string, and with it the password.
            PQfreemem(message)
            throw DatabaseError(
                .invalid,
                "The database's URL can't be read; it should look like postgresql://user@host:5432/name, "
                    + "with special characters percent-encoded.")
        }
        defer { PQconninfoFree(options) }
        var given: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        hosts = Self.list(given.removeValue(forKey: "host") ?? Self.environment("PGHOST"))
        numericHosts = Self.list(given.removeValue(forKey: "hostaddr") ?? Self.environment("PGHOSTADDR"))
        ports = Self.list(given.removeValue(forKey: "port") ?? Self.environment("PGPORT"))
        common = Self.defaults.filter { given[$0.keyword] == nil } + given.map { ($0.key, $0.value) }
    }

    /// Every address of every host, in order.
    /// - Throws: `.unavailable` when no host has one.
    func candidates() async throws(DatabaseError) -> [Parameters] {
        guard numericHosts.isEmpty else {
            return numericHosts.indices.map { index in
                let host = index < hosts.count ? hosts[index] : numericHosts[index]
                return parameters(host: host, address: numericHosts[index], port: port(index))
            }
        }
        guard !hosts.isEmpty else { return [parameters(host: nil, address: nil, port: port(0))] }
        var found: [Parameters] = []
        var failure: DatabaseError?
        for (index, host) in hosts.enumerated() {
            // A socket's folder, or an abstract socket.
            if host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") {
                found.append(parameters(host: host, address: nil, port: port(index)))
                continue
            }
            do {
                for address in try await SocketAddress.resolve(host: host, port: 0, pool: Self.resolver) {
                    found.append(parameters(host: host, address: address.ip, port: port(index)))
                }
            } catch {
                failure = DatabaseError(.unavailable, "The database's host \(host) has no address: \(error.message).")
            }
        }
        if found.isEmpty, let failure { throw failure }
        return found
    }

    private func parameters(host: String?, address: String?, port: String?) -> Parameters {
        var all = common
        if let host { all.append(("host", host)) }
        if let address { all.append(("hostaddr", address)) }
        if let port { all.append(("port", port)) }
        return all
    }

    /// One port is for all hosts; else each has its own.
    private func port(_ index: Int) -> String? {
        ports.count == 1 ? ports[0] : ports.indices.contains(index) ? ports[index] : nil
    }

    private static func list(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
