internal import HTTPTypes
internal import NodeODM

extension ArgoClient {
    /// Workflows at one moment, and the version to watch on from.
    public struct Listing: Sendable {
        /// The workflows.
        public var workflows: [WorkflowObject]
        /// For a watch.
        public var version: String
    }

    /// What a watch tells.
    public enum WatchEvent: Sendable {
        /// A workflow is new, or changed.
        case changed(WorkflowObject)
        /// A workflow was deleted, or no longer fits the selector.
        case left(WorkflowObject)
        /// Nothing happened up to this version.
        case bookmark(String)
    }

    private static let page = 250
    /// A cluster that never stops to answer pages would otherwise keep us for ever.
    private static let mostPages = 400

    /// Lists workflows, page by page.
    ///
    /// The Argo Server's pages are offsets into a list that moves and lags behind: that a workflow isn't among them means nothing.
    /// - Parameters:
    ///   - selector: of labels.
    ///   - isBrief: whether names, labels and times are enough.
    /// - Returns: each workflow once.
    /// - Throws: `gone` where its pages expired again and again, and what every call throws.
    public func list(_ selector: String, isBrief: Bool = false) async throws(ArgoError) -> Listing {
        for isRetry in [false, true] {
            do throws(ArgoError) {
                return try await pages(selector, isBrief)
            } catch {
                // Opaque places of the Kubernetes API expire.
                guard error.code == .gone, !isRetry else { throw error }
            }
        }
        throw ArgoError(.gone, "the list expired twice")
    }

    private func pages(_ selector: String, _ isBrief: Bool) async throws(ArgoError) -> Listing {
        var listing = Listing(workflows: [], version: "")
        var known: Set<String> = []
        var place: String?
        var count = 0
        for _ in 0..<Self.mostPages {
            let target = routes.list(selector, limit: Self.page, from: place, isBrief: isBrief)
            let json = try await ask(.get, target, accept: isBrief ? routes.briefList : nil).json()
            guard json["metadata"]?.members != nil else {
                throw ArgoError(.malformedAnswer, status: 200, "the answer to a list has no metadata")
            }
            if listing.version.isEmpty { listing.version = json["metadata"]?["resourceVersion"]?.text ?? "" }
            let items = json["items"]?.array ?? []
            count += items.count
            for workflow in items.compactMap({ WorkflowObject(json: $0) }) where known.insert(workflow.name).inserted {
                listing.workflows.append(workflow)
            }
            guard let next = self.place(after: json["metadata"]?["continue"]?.text, items: items.count, count) else {
                return listing
            }
            place = next
        }
        return listing
    }

    /// A full page without a word about more is doubted on the Argo Server, where a place is a number that we can count ourselves.
    private func place(after told: String?, items: Int, _ count: Int) -> String? {
        if let told, !told.isEmpty { return told }
        return connection.api == .argoServer && items >= Self.page ? String(count) : nil
    }

    /// Follows what happens to workflows; returns when the server ends the stream in order.
    /// - Parameters:
    ///   - selector: of labels.
    ///   - version: of the list that this continues.
    ///   - take: gets each event.
    /// - Throws: `gone` where the list must be made anew.
    public func watch(
        _ selector: String, from version: String, _ take: (WatchEvent) async -> Void
    ) async throws(ArgoError) {
        let idle = connection.api == .argoServer ? connection.timeouts.idle : .seconds(320)
        try await stream(routes.watch(selector, from: version), idle: idle) { (line) throws(ArgoError) in
            let json: JSONValue
            do throws(JSONParseError) { json = try JSONValue(parsing: Array(line)) } catch {
                throw ArgoError(.malformedAnswer, status: 200, "an event is no JSON: \(error.message)")
            }
            guard let event = try Self.event(in: json) else { return true }
            await take(event)
            return true
        }
    }

    private static func event(in json: JSONValue) throws(ArgoError) -> WatchEvent? {
        if let error = json["error"] { throw streamFailure(error) }
        let event = json["result"] ?? json
        guard let object = event["object"] else { return nil }
        switch event["type"]?.text {
        case "ADDED", "MODIFIED": return WorkflowObject(json: object).map { .changed($0) }
        case "DELETED": return WorkflowObject(json: object).map { .left($0) }
        case "BOOKMARK": return object["metadata"]?["resourceVersion"]?.text.map { .bookmark($0) }
        case "ERROR":
            let text = object["message"]?.text ?? "an error without a text"
            throw ArgoError(
                object["code"]?.integer == 410 || ArgoAnswer.meansGone(text) ? .gone : .outcomeUnknown, status: 200,
                text)
        default: return nil
        }
    }

    /// A server that ends a watch after its time says so as gRPC code 8, "EOF": no overload.
    private static func streamFailure(_ error: JSONValue) -> ArgoError {
        let text = error["message"]?.text ?? "an error without a text"
        let isGone = error["http_code"]?.integer == 410 || ArgoAnswer.meansGone(text)
        return ArgoError(isGone ? .gone : .outcomeUnknown, status: 200, text)
    }

    /// Reads a container's console.
    /// - Parameters:
    ///   - workflow: its name.
    ///   - pod: the pod's name in the cluster.
    ///   - container: `process` and the like.
    ///   - since: seconds since 1970; nil from the start.
    ///   - follows: whether to wait for more, until the container ends.
    ///   - take: gets each line with its time in front; false ends the stream.
    /// - Throws: `notFound` where pod or workflow are gone, `refused` where the container hasn't started.
    public func log(
        of workflow: String, pod: String, container: String, since: Int64?, follows: Bool,
        _ take: (String) async -> Bool
    ) async throws(ArgoError) {
        let target = routes.log(workflow, pod: pod, container: container, since: since, follows: follows)
        let idle = connection.api == .argoServer ? connection.timeouts.idle : connection.timeouts.silence
        let isFramed = connection.api == .argoServer
        try await stream(target, idle: idle) { (line) throws(ArgoError) in
            guard isFramed else { return await take(String(decoding: line, as: UTF8.self)) }
            guard let json = try? JSONValue(parsing: Array(line)) else { return true }
            if let error = json["error"] { throw Self.streamFailure(error) }
            guard let content = json["result"]?["content"]?.text else { return true }
            return await take(content)
        }
    }
}
