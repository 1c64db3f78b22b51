public import HTTPTypes

/// Answers a request whose path matched a route.
public typealias RouteHandler =
    @Sendable (
        _ request: HTTPRequest, _ captures: RouteCaptures, _ body: RequestBody, _ response: consuming ResponseWriter
    ) async throws -> Void

/// Finds a request's handler by method and path.
///
/// A tree over the path's segments, built at the start and then only read. Patterns are written `/task/{uuid}/download/{asset...}`:
/// a segment in braces captures one segment, one that ends in `...` all the rest, at least one. Fixed segments go before captures;
/// a trailing slash is optional; HEAD is answered by the handler of GET.
public struct Router: Sendable {
    /// What a request found.
    public enum Outcome: Sendable {
        /// A route.
        case route(Route, RouteCaptures)
        /// A path that is known, with other methods.
        case methodNotAllowed([HTTPMethod])
        /// No such path.
        case unknownPath
    }

    /// One entry of the table.
    public struct Route: Sendable {
        /// For metrics and logs.
        public let name: String
        /// The method it is for.
        public let method: HTTPMethod
        /// What answers.
        public let handler: RouteHandler
        /// What is asked before it.
        let instant: InstantHandler?
        /// Its name's place among `routeNames`.
        public let index: Int
    }

    /// Answers from memory what a route's handler would answer, without a wait; nil leaves the request to the handler.
    public typealias InstantHandler = @Sendable (_ request: HTTPRequest, _ captures: RouteCaptures) -> ReadyAnswer?

    /// Answers what no route takes; learns what was found instead.
    public typealias Fallback =
        @Sendable (
            _ request: HTTPRequest, _ outcome: Outcome, _ body: RequestBody, _ response: consuming ResponseWriter
        ) async throws -> Void

    private struct Node: Sendable {
        var fixed: [(segment: [UInt8], node: Int)] = []
        var capture: (name: String, node: Int)?
        var rest: (name: String, routes: [Route])?
        var routes: [Route] = []
    }

    private var nodes = [Node()]
    private var optionsRoute: Route?
    /// The names of all routes, each once, in the order in which they were added.
    public private(set) var routeNames: [String] = []
    private let fallback: Fallback

    /// An empty table; `fallback` answers unknown paths and methods.
    public init(fallback: @escaping Fallback) { self.fallback = fallback }

    /// Adds a route.
    /// - Parameters:
    ///   - method: GET serves HEAD too.
    ///   - pattern: as above; a bad pattern is a bug of the program and traps.
    ///   - name: for metrics and logs.
    ///   - instant: what is asked first: it answers from memory, or leaves the request to `handler`.
    ///   - handler: what answers.
    public mutating func on(
        _ method: HTTPMethod, _ pattern: String, name: String, instant: InstantHandler? = nil,
        _ handler: @escaping RouteHandler
    ) {
        let route = Route(name: name, method: method, handler: handler, instant: instant, index: index(of: name))
        var node = 0
        for segment in pattern.split(separator: "/") {
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else {
                node = fixedChild(of: node, Array(segment.utf8))
                continue
            }
            let word = String(segment.dropFirst().dropLast())
            if word.hasSuffix("...") {
                let known = nodes[node].rest
                nodes[node].rest = (String(word.dropLast(3)), (known?.routes ?? []) + [route])
                return
            }
            node = captureChild(of: node, word)
        }
        nodes[node].routes.append(route)
    }

    /// Adds what answers OPTIONS wherever no route of its own does, `*` included: for CORS.
    public mutating func onAnyOptions(name: String, _ handler: @escaping RouteHandler) {
        optionsRoute = Route(
            name: name, method: .options, handler: handler, instant: nil, index: index(of: name))
    }

    private mutating func index(of name: String) -> Int {
        if let known = routeNames.firstIndex(of: name) { return known }
        routeNames.append(name)
        return routeNames.count - 1
    }

    private mutating func fixedChild(of node: Int, _ segment: [UInt8]) -> Int {
        if let known = nodes[node].fixed.first(where: { $0.segment == segment }) { return known.node }
        nodes.append(Node())
        nodes[node].fixed.append((segment, nodes.count - 1))
        return nodes.count - 1
    }

    private mutating func captureChild(of node: Int, _ name: String) -> Int {
        if let known = nodes[node].capture {
            precondition(known.name == name, "one place in the paths can't be called \(known.name) and \(name)")
            return known.node
        }
        nodes.append(Node())
        nodes[node].capture = (name, nodes.count - 1)
        return nodes.count - 1
    }

    /// Finds what answers a request; allocates nothing for routes without captures.
    public func find(_ request: HTTPRequest) -> Outcome {
        var captures = RouteCaptures()
        let routes = request.withPathBytes { path -> [Route]? in
            guard path.isEmpty || path[0] == ASCII.slash else { return nil }
            return match(path, from: min(1, path.count), node: 0, &captures)
        }
        if let routes {
            if let route = Self.route(for: request.method, in: routes) { return .route(route, captures) }
        }
        if request.method == .options, let optionsRoute { return .route(optionsRoute, RouteCaptures()) }
        return routes.map { .methodNotAllowed(Self.methods(of: $0)) } ?? .unknownPath
    }

    private static func route(for method: HTTPMethod, in routes: [Route]) -> Route? {
        for route in routes where route.method == method { return route }
        guard method == .head else { return nil }
        for route in routes where route.method == .get { return route }
        return nil
    }

    private static func methods(of routes: [Route]) -> [HTTPMethod] {
        routes.flatMap { $0.method == .get ? [.get, .head] : [$0.method] }
    }

    /// Looks at the segment that starts at `start`; at the path's end the node itself is the match.
    private func match(
        _ path: UnsafeBufferPointer<UInt8>, from start: Int, node: Int, _ captures: inout RouteCaptures
    ) -> [Route]? {
        if start >= path.count { return nodes[node].routes.isEmpty ? nil : nodes[node].routes }
        var end = start
        while end < path.count, path[end] != ASCII.slash { end += 1 }
        for (segment, child) in nodes[node].fixed where Self.equal(segment, path, start, end) {
            if let found = match(path, from: end + 1, node: child, &captures) { return found }
        }
        guard end > start else { return nil }
        if let (name, child) = nodes[node].capture {
            captures.insert(name, Self.decoded(path, start..<end))
            if let found = match(path, from: end + 1, node: child, &captures) { return found }
            captures.removeLast()
        }
        guard let (name, routes) = nodes[node].rest else { return nil }
        captures.insert(name, Self.decoded(path, start..<path.count))
        return routes
    }

    private static func decoded(_ path: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> String {
        PercentEncoding.decodeLeniently(UnsafeBufferPointer(rebasing: path[range]))
    }

    private static func equal(
        _ segment: [UInt8], _ path: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int
    ) -> Bool {
        guard segment.count == end - start else { return false }
        for index in 0..<segment.count where segment[index] != path[start + index] { return false }
        return true
    }

    /// What answers a request: its route, from memory or by its handler, or the fallback. Notes the route for the access log.
    public func react(to request: HTTPRequest, _ notes: ExchangeNotes) -> Reaction {
        let outcome = find(request)
        guard case .route(let route, let captures) = outcome else {
            let fallback = fallback
            return .handler(
                { request, _, body, response in try await fallback(request, outcome, body, response) }, RouteCaptures())
        }
        notes.route = route.name
        notes.routeIndex = route.index
        if let answer = route.instant?(request, captures) { return .answer(answer) }
        return .handler(route.handler, captures)
    }

    /// The router as a listener's reaction.
    public var reaction: RequestReaction { { request, notes in react(to: request, notes) } }
}
