internal import CCurl
internal import CCurlShims
internal import HTTPTypes
internal import Reactor

/// One request and its answer inside libcurl.
///
/// Invariant of `@unchecked Sendable`: made anywhere, from then on touched on the loop's thread only: by libcurl's callbacks,
/// which arrive there, and by `CurlPort`, an actor of the loop.
final class CurlTransfer: @unchecked Sendable {
    /// What is done with the answer's body.
    enum Delivery {
        /// It is collected, up to so many bytes.
        case collect(limit: Int)
        /// It is handed out bit by bit; the server waits meanwhile.
        case stream
    }

    let handle: UnsafeMutableRawPointer
    let delivery: Delivery
    let outboundGuard: OutboundGuard?
    /// Strings and lists that libcurl doesn't copy.
    private var lists: [UnsafeMutablePointer<curl_slist>] = []
    private let errorText: UnsafeMutablePointer<CChar>

    // The answer.
    private(set) var collector: HeadCollector
    private var received: [UInt8] = []
    private var receivedCount: Int64 = 0
    private var isReceivePaused = false
    private(set) var outcome: Result<Void, HTTPClientError>?
    private var headWaiter: CheckedContinuation<Void, Never>?
    private var bodyWaiter: CheckedContinuation<Void, Never>?

    // The request's body.
    private var staged: [UInt8] = []
    private var stagedOffset = 0
    private var isBodyComplete = true
    private var isSendPaused = false
    private var roomWaiter: CheckedContinuation<Void, Never>?

    /// Why our own side ended it.
    private var ownFailure: HTTPClientError?
    private var guardRefused = false

    /// Received bytes at which the server has to wait.
    private static let receiveMark = 262_144
    /// Staged bytes at which the body's source has to wait.
    private static let stageMark = 131_072

    init?(delivery: Delivery, outboundGuard: OutboundGuard?, followsRedirects: Bool) {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        self.delivery = delivery
        self.outboundGuard = outboundGuard
        collector = HeadCollector(followsRedirects: followsRedirects)
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        shim_curl_setopt_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
        installCallbacks()
    }

    deinit {
        curl_easy_cleanup(handle)
        for list in lists { curl_slist_free_all(list) }
        errorText.deallocate()
    }

    /// Keeps a list until the transfer is gone.
    func keep(_ list: UnsafeMutablePointer<curl_slist>) { lists.append(list) }

    /// Whether it has ended.
    var isOver: Bool { outcome != nil }

    private func installCallbacks() {
        // Unretained: the multi side holds the transfer for as long as libcurl may call.
        let me = Unmanaged.passUnretained(self).toOpaque()
        shim_curl_setopt_pointer(handle, CURLOPT_WRITEDATA, me)
        shim_curl_setopt_pointer(handle, CURLOPT_HEADERDATA, me)
        shim_curl_setopt_pointer(handle, CURLOPT_READDATA, me)
        shim_curl_setopt_pointer(handle, CURLOPT_OPENSOCKETDATA, me)
        shim_curl_setopt_data_function(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let context, let bytes else { return 0 }
            return transfer(context).take(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        shim_curl_setopt_data_function(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let context, let bytes else { return 0 }
            return transfer(context).takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        shim_curl_setopt_data_function(handle, CURLOPT_READFUNCTION) { bytes, size, count, context in
            guard let context, let bytes else { return Int(CURL_READFUNC_ABORT) }
            return transfer(context).give(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
        shim_curl_setopt_opensocket_function(handle) { context, _, address in
            guard let context, let address else { return CURL_SOCKET_BAD }
            return transfer(context).openSocket(to: address)
        }
    }

    // MARK: Called by libcurl

    private func takeHeader(_ line: UnsafeRawBufferPointer) -> Int {
        let isFine = line.withMemoryRebound(to: UInt8.self) { collector.take($0) }
        guard isFine else {
            ownFailure = HTTPClientError(.tooLarge, "the answer's head is over \(HeadCollector.sizeLimit) bytes")
            return 0
        }
        if collector.head != nil { wake(&headWaiter) }
        return line.count
    }

    private func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        if case .collect(let limit) = delivery, received.count + bytes.count > limit {
            ownFailure = HTTPClientError(.tooLarge, "the answer is over \(limit) bytes")
            return 0
        }
        received.append(contentsOf: bytes)
        receivedCount += Int64(bytes.count)
        if case .stream = delivery {
            if received.count >= Self.receiveMark {
                // The data is taken, then the transfer paused: returning "pause" would have libcurl keep a copy.
                isReceivePaused = true
                applyPauses()
            }
            wake(&bodyWaiter)
        }
        return bytes.count
    }

    private func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(staged.count - stagedOffset, room.count)
        guard count > 0 else {
            if isBodyComplete { return 0 }
            isSendPaused = true
            wake(&roomWaiter)
            return Int(CURL_READFUNC_PAUSE)
        }
        staged.withUnsafeBytes {
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[stagedOffset..<stagedOffset + count]))
        }
        stagedOffset += count
        if stagedOffset == staged.count {
            // A body that was in memory belongs to the caller as well: emptying it would make a second one of its size.
            if isBodyComplete { staged = [] } else { staged.removeAll(keepingCapacity: true) }
            stagedOffset = 0
        }
        if staged.count - stagedOffset < Self.stageMark { wake(&roomWaiter) }
        return count
    }

    private func openSocket(to address: UnsafePointer<curl_sockaddr>) -> curl_socket_t {
        if let outboundGuard, !outboundGuard.permits(SocketOpener.bytes(of: address)) {
            guardRefused = true
            return CURL_SOCKET_BAD
        }
        return SocketOpener.open(for: address)
    }

    private func wake(_ waiter: inout CheckedContinuation<Void, Never>?) {
        let waiting = waiter
        waiter = nil
        waiting?.resume()
    }

    private func applyPauses() {
        let mask = (isReceivePaused ? CURLPAUSE_RECV : 0) | (isSendPaused ? CURLPAUSE_SEND : 0)
        curl_easy_pause(handle, mask)
    }

    // MARK: Called by the port

    /// Ends it with libcurl's result; the handle is out of the multi handle by now.
    func finish(_ code: CURLcode) {
        if let ownFailure { return end(.failure(ownFailure)) }
        if code == CURLE_OK || hasWholeAnswer { return end(.success(())) }
        var size = 0
        shim_curl_getinfo_long(handle, CURLINFO_REQUEST_SIZE, &size)
        let detail = String(cString: errorText)
        let failure = CurlFailure(
            code: code, requestSize: size,
            message: detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail, guardRefused: guardRefused)
        end(.failure(failure.error))
    }

    /// Whether the answer is complete though the transfer failed: a server may answer and close while we still send.
    private var hasWholeAnswer: Bool {
        guard let length = collector.head?.fields[.contentLength] else { return false }
        return Int64(length) == receivedCount
    }

    /// Ends it; the first end counts.
    func end(_ result: Result<Void, HTTPClientError>) {
        guard outcome == nil else { return }
        outcome = result
        wake(&headWaiter)
        wake(&bodyWaiter)
        wake(&roomWaiter)
    }

    /// The body, wholly in memory.
    func stage(_ bytes: [UInt8]) { staged = bytes }

    /// The body comes by `provide`.
    func expectBody() { isBodyComplete = false }

    /// Adds bytes of the body; none end it.
    /// - Returns: true when the source should wait for room.
    func provide(_ bytes: [UInt8]) -> Bool {
        if bytes.isEmpty { isBodyComplete = true }
        if stagedOffset > 0 {
            staged.removeFirst(stagedOffset)
            stagedOffset = 0
        }
        if staged.isEmpty { staged = bytes } else { staged.append(contentsOf: bytes) }
        if isSendPaused {
            isSendPaused = false
            applyPauses()
        }
        return staged.count - stagedOffset >= Self.stageMark
    }

    /// Takes what was received, and lets the server go on.
    func takeReceived() -> [UInt8] {
        let taken = received
        received = []
        if isReceivePaused {
            isReceivePaused = false
            if outcome == nil { applyPauses() }
        }
        return taken
    }

    /// Whether there is something to take.
    var hasReceived: Bool { !received.isEmpty }

    /// Remembers who waits for the head.
    func waitForHead(_ continuation: CheckedContinuation<Void, Never>) { headWaiter = continuation }
    /// Remembers who waits for bytes or the end.
    func waitForBody(_ continuation: CheckedContinuation<Void, Never>) { bodyWaiter = continuation }
    /// Remembers who waits for room.
    func waitForRoom(_ continuation: CheckedContinuation<Void, Never>) { roomWaiter = continuation }
}

/// The transfer that libcurl hands back.
private func transfer(_ context: UnsafeMutableRawPointer) -> CurlTransfer {
    Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
}
