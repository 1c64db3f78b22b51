internal import HTTPClient
internal import Reactor

/// What asks Argo clusters: apart from the client of everything else, since a watch and each followed console hold a connection
/// for as long as they last, and mustn't keep a call waiting.
struct ClusterClients: Sendable {
    /// Makes calls.
    let calls: CurlClient
    /// Holds streams, a connection each.
    let streams: CurlClient

    /// As many consoles as a backend follows, its watch, and some room.
    private static let streamsPerHost = 528

    /// - Parameter loop: where they run.
    init(loop: EventLoop) {
        calls = CurlClient(loop: loop)
        var limits = CurlClient.Configuration()
        limits.connectionsPerHost = Self.streamsPerHost
        limits.idleConnections = 8
        streams = CurlClient(loop: loop, configuration: limits)
    }

    /// Ends what is under way.
    func close() async {
        await streams.close()
        await calls.close()
    }
}
