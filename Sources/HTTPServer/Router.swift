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
    /// One line of the table, as it was written.
    public struct Line: Sendable, Hashable {
        /// The method.
        public var method: HTTPMethod
        /// With its captures in braces.
        public var pattern: String
        /// For metrics and logs.
        public var name: String
    }

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

    /// Answers what a route's handler would answer, without a wait; nil leaves the request to the handler.
    public typealias InstantHandler = @Sendable (_ request: HTTPRequest, _ captures: RouteCaptures) -> InstantAnswer?

    /// Answers what no route takes; learns what was found instead.
    public typealias Fallback =
        @Sendable (
            _ request: HTTPRequest, _ outcome: Outcome, _ body: RequestBody, _ response: consuming ResponseWriter
        ) async throws -> Void

    /// A place in the tree. It names others by their index, so that a search counts no references.
    private struct Node: Sendable {
        /// The first of its edges.
        var edge: Int?
        var capture: (name: String, node: Int)?
        /// The first of the routes that take all the rest here, and of those that end here.
        var rest: (name: String, route: Int)?
        var route: Int?
    }

    /// The way on by a fixed segment.
    private struct Edge: Sendable {
        let segment: Range<Int>
        let node: Int
        /// The next edge of the same node.
        let next: Int?
    }

    private var nodes = [Node()]
    private var edges: [Edge] = []
    /// The bytes of the edges' segments.
    private var segments: [UInt8] = []
    private var routes: [Route] = []
    /// Of each route the next one of the same place, for another method.
    private var nextRoute: [Int?] = []
    private var optionsRoute: Route?
    /// The names of all routes, each once, in the order in which they were added.
    public private(set) var routeNames: [String] = []
    /// The table, in the order in which it was written.
    public private(set) var lines: [Line] = []
    private let fallback: Fallback

    /// An empty table; `fallback` answers unknown paths and methods.
    public init(fallback: @escaping Fallback) { self.fallback = fallback }

    /// Adds a route.
    /// - Parameters:
    ///   - method: GET serves HEAD too.
    ///   - pattern: as above; a bad pattern is a bug of the program and traps.
    ///   - name: for metrics and logs.
    ///   - instant: what is asked first: it answers without a wait, or leaves the request to `handler`.
    ///   - handler: what answers.
    public mutating func on(
        _ method: HTTPMethod, _ pattern: String, name: String, instant: InstantHandler? = nil,
        _ handler: @escaping RouteHandler
    ) {
        lines.append(Line(method: method, pattern: pattern, name: name))
        let route = routes.count
        routes.append(Route(name: name, method: method, handler: handler, instant: instant, index: index(of: name)))
        nextRoute.append(nil)
        var node = 0
        for segment in pattern.split(separator: "/") {
            guard segment.hasPrefix("{"), segment.hasSuffix("}") else {
                node = fixedChild(of: node, Array(segment.utf8))
                continue
            }
            let word = String(segment.dropFirst().dropLast())
            if word.hasSuffix("...") {
                let first = chain(route, behind: nodes[node].rest?.route)
                nodes[node].rest = (String(word.dropLast(3)), first)
                return
            }
            node = captureChild(of: node, word)
        }
        nodes[node].route = chain(route, behind: nodes[node].route)
    }

    /// - Returns: the first route of the chain.
    private mutating func chain(_ route: Int, behind first: Int?) -> Int {
        guard let first else { return route }
        var last = first
        while let next = nextRoute[last] { last = next }
        nextRoute[last] = route
        return first
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
        var edge = nodes[node].edge
        while let known = edge {
            if segments[edges[known].segment].elementsEqual(segment) { return edges[known].node }
            edge = edges[known].next
        }
        nodes.append(Node())
        edges.append(
            Edge(
                segment: segments.count..<segments.count + segment.count, node: nodes.count - 1, next: nodes[node].edge)
        )
        segments += segment
        nodes[node].edge = edges.count - 1
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
        let first = firstRoute(for: request, &captures)
        if let route = route(for: request.method, from: first) { return .route(routes[route], captures) }
        if request.method == .options, let optionsRoute { return .route(optionsRoute, RouteCaptures()) }
        return first.map { .methodNotAllowed(methods(from: $0)) } ?? .unknownPath
    }

    /// - Returns: the first of the routes that the path leads to.
    private func firstRoute(for request: HTTPRequest, _ captures: inout RouteCaptures) -> Int? {
        request.withPathBytes { path in
            guard path.isEmpty || path[0] == ASCII.slash else { return nil }
            return nodes.withUnsafeBufferPointer { nodes in
                edges.withUnsafeBufferPointer { edges in
                    segments.withUnsafeBufferPointer { segments in
                        Search(nodes: nodes, edges: edges, segments: segments, path: path)
                            .match(from: min(1, path.count), node: 0, &captures)
                    }
                }
            }
        }
    }

    private func route(for method: HTTPMethod, from first: Int?) -> Int? {
        var route = first
        while let candidate = route {
            if routes[candidate].method == method { return candidate }
            route = nextRoute[candidate]
        }
        return method == .head ? self.route(for: .get, from: first) : nil
    }

    private func methods(from first: Int) -> [HTTPMethod] {
        var methods: [HTTPMethod] = []
        var route: Int? = first
        while let found = route {
            methods += routes[found].method == .get ? [.get, .head] : [routes[found].method]
            route = nextRoute[found]
        }
        return methods
    }

    /// One look for a path in the tree.
    private struct Search {
        let nodes: UnsafeBufferPointer<Node>
        let edges: UnsafeBufferPointer<Edge>
        let segments: UnsafeBufferPointer<UInt8>
        let path: UnsafeBufferPointer<UInt8>

        /// Looks at the segment that starts at `start`; at the path's end the node itself is the match.
        /// - Returns: the first of the routes there.
        func match(from start: Int, node: Int, _ captures: inout RouteCaptures) -> Int? {
            if start >= path.count { return nodes[node].route }
            let end = path.position(of: ASCII.slash, from: start) ?? path.count
            var edge = nodes[node].edge
            while let index = edge {
                if equals(edges[index].segment, start, end),
                    let found = match(from: end + 1, node: edges[index].node, &captures)
                {
                    return found
                }
                edge = edges[index].next
            }
            guard end > start else { return nil }
            if let (name, child) = nodes[node].capture {
                captures.insert(name, decoded(start..<end))
                if let found = match(from: end + 1, node: child, &captures) { return found }
                captures.removeLast()
            }
            guard let (name, route) = nodes[node].rest else { return nil }
            captures.insert(name, decoded(start..<path.count))
            return route
        }

        private func decoded(_ range: Range<Int>) -> String {
            PercentEncoding.decodeLeniently(UnsafeBufferPointer(rebasing: path[range]))
        }

        private func equals(_ segment: Range<Int>, _ start: Int, _ end: Int) -> Bool {
            guard segment.count == end - start else { return false }
            for offset in 0..<segment.count where segments[segment.lowerBound + offset] != path[start + offset] {
                return false
            }
            return true
        }
    }

    /// What answers a request: its route, from memory or by its handler, or the fallback. Notes the route for the access log.
    public func react(to request: HTTPRequest, _ notes: ExchangeNotes) -> Reaction {
        var captures = RouteCaptures()
        guard let index = route(for: request.method, from: firstRoute(for: request, &captures)) else {
            return reactToOthers(request, notes)
        }
        notes.route = routes[index].name
        notes.routeIndex = routes[index].index
        switch routes[index].instant?(request, captures) {
        case .ready(let answer): return .answer(answer)
        case .relayed(let answer): return .relay(answer, orElse: routes[index].handler, captures)
        case nil: return .handler(routes[index].handler, captures)
        }
    }

    private func reactToOthers(_ request: HTTPRequest, _ notes: ExchangeNotes) -> Reaction {
        let outcome = find(request)
        if case .route(let route, let captures) = outcome {
            (notes.route, notes.routeIndex) = (route.name, route.index)
            return .handler(route.handler, captures)
        }
        let fallback = fallback
        return .handler(
            { request, _, body, response in try await fallback(request, outcome, body, response) }, RouteCaptures())
    }

    /// The router as a listener's reaction.
    public var reaction: RequestReaction { { request, notes in react(to: request, notes) } }
}
