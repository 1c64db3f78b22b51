public import HTTPClient
import HTTPTypes
public import Reactor
import Synchronization

/// Speaks S3's REST protocol: signs, repeats what may succeed later, and follows what the store says of its region and time.
///
/// Every operation may be repeated without harm, and is: after 5xx, SlowDown, a broken connection or a time-out, with pauses
/// that double from 100 ms to 10 s, each between a half and the whole of that. All failures are `StorageError`s whose message
/// names the bucket and the key. Keys are any text; bucket names are checked, since they may come from clients.
///
/// Every open reader holds a connection for as long as its own reader takes: the `CurlClient` needs as many to one host as
/// there can be downloads, uploads and other calls at once, or the last ones wait.
public final class S3Client: Sendable {
    /// How the store is reached.
    public let configuration: S3Configuration
    let client: CurlClient
    let clock: any WorldClock
    private let credentials: S3CredentialsProvider
    private let learned = Mutex(Learned())

    private struct Learned {
        /// Regions by bucket, where the store told one.
        var regions: [String: String] = [:]
        /// What the store's clock is ahead of ours, in milliseconds.
        var clockOffset: Int64 = 0
    }

    private static let firstPause = 100
    private static let longestPause = 10_000
    /// Clients may name buckets: what is learned of them stays bounded.
    private static let maximumRegions = 256

    /// A client of one store; makes no request by itself.
    /// - Parameters:
    ///   - configuration: where the store is.
    ///   - client: makes the requests.
    ///   - clock: signs and pauses by it.
    ///   - credentials: asked before every request.
    public init(
        _ configuration: S3Configuration, client: CurlClient, clock: any WorldClock,
        credentials: @escaping S3CredentialsProvider
    ) {
        self.configuration = configuration
        self.client = client
        self.clock = clock
        self.credentials = credentials
    }

    /// A client of another store with the same credentials, for a task that names one.
    ///
    /// Only for an endpoint that the operator allows: it is sent the key's id and session token, and may tell our time.
    /// - Parameters:
    ///   - endpoint: where the other store is.
    ///   - region: nil: as here.
    /// - Returns: a client that has learned nothing yet.
    public func client(of endpoint: S3Endpoint, region: String? = nil) -> S3Client {
        var other = configuration
        other.endpoint = endpoint
        other.publicEndpoint = nil
        other.region = region ?? configuration.region
        return S3Client(other, client: client, clock: clock, credentials: credentials)
    }

    // MARK: Tries

    /// Makes a call and collects its answer.
    func send(_ call: S3Call) async throws(StorageError) -> OutboundResponse {
        try await repeating(call) { request in
            do throws(HTTPClientError) {
                let response = try await self.client.send(request)
                let head = OutboundHead(status: response.status, fields: response.fields)
                guard (200..<300).contains(response.status), !call.mayFailLate || !Self.isError(response.body) else {
                    return .failure(.refused(S3Refusal(head, body: response.body)))
                }
                return .success(response)
            } catch {
                return .failure(.network(error))
            }
        }
    }

    /// Makes a call whose answer is read bit by bit.
    func open(_ call: S3Call) async throws(StorageError) -> OpenAnswer {
        try await repeating(call) { request in
            do throws(HTTPClientError) {
                let answer = try await self.client.open(request)
                if (200..<300).contains(answer.head.status) { return .success(answer) }
                return .failure(.refused(S3Refusal(answer.head, body: try await Self.errorBody(answer))))
            } catch {
                return .failure(.network(error))
            }
        }
    }

    private static func isError(_ body: [UInt8]) -> Bool { XMLReader.parse(body)?.name == "Error" }

    private static func errorBody(_ answer: OpenAnswer) async throws(HTTPClientError) -> [UInt8] {
        var body: [UInt8] = []
        while body.count < 65_536, let bytes = try await answer.next() { body += bytes }
        return body
    }

    private func repeating<Value>(
        _ call: S3Call, _ exchange: (OutboundRequest) async -> Result<Value, S3Failure>
    ) async throws(StorageError) -> Value {
        try S3Names.check(bucket: call.bucket, key: call.key)
        var corrections = Corrections()
        var tries = 0
        while true {
            let signer = try await signer(for: call)
            let offset = clockOffset
            let failure: S3Failure
            switch await exchange(request(for: call, signer, at: clock.wallMilliseconds() + offset)) {
            case .success(let value): return value
            case .failure(let reason): failure = reason
            }
            if await correct(failure, call, signer, offset, &corrections) { continue }
            tries += 1
            guard failure.isTransient, tries < configuration.attempts, !Task.isCancelled else {
                throw failure.error(call, endpoint: configuration.endpoint)
            }
            configuration.onRetry?(failure.error(call, endpoint: configuration.endpoint))
            try await pause(after: tries, call)
        }
    }

    private func pause(after tries: Int, _ call: S3Call) async throws(StorageError) {
        let longest = min(Self.longestPause, Self.firstPause << min(tries - 1, 20))
        do { try await clock.sleep(for: .milliseconds(Int.random(in: longest / 2...longest))) } catch {
            throw StorageError(.cancelled, "\(call.operation) of \(call.place) was cancelled")
        }
    }

    // MARK: What an answer teaches

    /// What was already mended for a call: each once, or a wrong answer would go round for ever.
    private struct Corrections {
        var region = false
        var clock = false
        var credentials = false
    }

    /// Takes in what a refusal says of region, clock and credentials. What counts is what this try was made with: others may
    /// have learned meanwhile.
    /// - Returns: whether the same call may succeed now, at once.
    private func correct(
        _ failure: S3Failure, _ call: S3Call, _ signer: SigV4Signer, _ usedOffset: Int64, _ done: inout Corrections
    ) async -> Bool {
        guard case .refused(let refusal) = failure else { return false }
        if !done.region, learnRegion(of: call.bucket, from: refusal, used: signer.region) {
            done.region = true
            return true
        }
        if !done.clock, learnTime(from: refusal, used: usedOffset) {
            done.clock = true
            return true
        }
        guard !done.credentials, refusal.doubtsCredentials, let now = try? await credentials() else { return false }
        done.credentials = true
        return now != signer.credentials
    }

    private func learnRegion(of bucket: String, from refusal: S3Refusal, used: String) -> Bool {
        guard refusal.tellsRegion, let region = refusal.region, region != used, S3Names.isRegion(region) else {
            return false
        }
        learned.withLock { learned in
            if learned.regions.count >= Self.maximumRegions { learned.regions = [:] }
            learned.regions[bucket] = region
        }
        return true
    }

    /// Stores take a quarter of an hour either way: a minute is not what they refused.
    private func learnTime(from refusal: S3Refusal, used: Int64) -> Bool {
        guard refusal.doubtsClock, let time = refusal.serverTime else { return false }
        let offset = time - clock.wallMilliseconds()
        guard abs(offset - used) > 60_000 else { return false }
        learned.withLock { $0.clockOffset = offset }
        return true
    }

    // MARK: Requests

    /// Milliseconds since 1970 by the store's clock.
    var storeTime: Int64 { clock.wallMilliseconds() + clockOffset }

    private var clockOffset: Int64 { learned.withLock { $0.clockOffset } }

    /// The region that a bucket is in, as far as it is known.
    public func region(of bucket: String) -> String {
        learned.withLock { $0.regions[bucket] } ?? configuration.region
    }

    func signer(for call: S3Call) async throws(StorageError) -> SigV4Signer {
        do {
            return SigV4Signer(credentials: try await credentials(), region: region(of: call.bucket))
        } catch {
            throw StorageError(
                .accessDenied, "there are no credentials for \(call.operation) of \(call.place): \(error)")
        }
    }

    private func request(for call: S3Call, _ signer: SigV4Signer, at time: Int64) -> OutboundRequest {
        let address = configuration.endpoint.address(
            bucket: call.bucket, key: call.key, region: signer.region, pathStyle: configuration.pathStyle)
        let stamp = S3Time.stamp(milliseconds: time)
        var fields: HTTPFields = [:]
        for (name, value) in call.fields { fields.append(name, value) }
        let hash = call.payload.hash(isSecure: configuration.endpoint.isSecure)
        fields.append("x-amz-content-sha256", hash)
        fields.append("x-amz-date", stamp)
        if let token = signer.credentials.sessionToken { fields.append("x-amz-security-token", token) }
        let toSign = SigV4Signer.Request(
            method: call.method.name, path: address.path, query: call.query,
            fields: [("host", address.authority)] + fields.filter { Self.isSigned($0.name) }, payloadHash: hash)
        fields.append(.authorization, signer.authorization(for: toSign, stamp: stamp))
        let query = call.query.isEmpty ? "" : "?" + SigV4Signer.encode(call.query)
        var request = OutboundRequest(
            call.method, "\(address.scheme)://\(address.authority)\(address.path)\(query)", fields: fields,
            body: call.payload.body)
        request.keepsPath = true
        request.tls.authoritiesFile = configuration.authoritiesFile
        request.timeouts = .init(connect: .seconds(10), total: nil, stall: max(call.patience, configuration.patience))
        return request
    }

    private static func isSigned(_ name: String) -> Bool {
        let name = name.lowercased()
        return name.hasPrefix("x-amz-") || name == "content-md5"
    }
}
