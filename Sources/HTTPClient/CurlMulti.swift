internal import CCurl
internal import CCurlShims
internal import Glibc
internal import Reactor

/// libcurl's multi handle on an event loop: the loop watches its sockets and keeps its timer.
///
/// Invariant of `@unchecked Sendable`: after `init`, touched on the loop's thread only. libcurl calls back there, because it
/// is only ever called there.
final class CurlMulti: @unchecked Sendable {
    private let loop: EventLoop
    private var handle: UnsafeMutableRawPointer?
    private var watchers: [curl_socket_t: FileDescriptorWatcher] = [:]
    /// Transfers inside libcurl, by their handles: this holds them for as long as libcurl may call them.
    private var transfers: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    private var timer: EventLoop.TimerID?
    private var isTimeoutDue = false

    init(loop: EventLoop, configuration: CurlClient.Configuration) {
        self.loop = loop
        CurlGlobal.start()
        handle = curl_multi_init()
        guard let handle else { return }
        // Invariant: libcurl calls back only while this object lives, which frees the handle when it ends; hence unretained.
        let me = Unmanaged.passUnretained(self).toOpaque()
        shim_curl_multi_setopt_pointer(handle, CURLMOPT_SOCKETDATA, me)
        shim_curl_multi_setopt_pointer(handle, CURLMOPT_TIMERDATA, me)
        shim_curl_multi_setopt_socket_function(handle) { _, socket, what, context, _ in
            if let context { multi(context).watch(socket, what) }
            return 0
        }
        shim_curl_multi_setopt_timer_function(handle) { _, milliseconds, context in
            if let context { multi(context).setTimer(milliseconds) }
            return 0
        }
        shim_curl_multi_setopt_long(handle, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.connectionsPerHost)
        shim_curl_multi_setopt_long(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.connections)
        shim_curl_multi_setopt_long(handle, CURLMOPT_MAXCONNECTS, configuration.idleConnections)
    }

    deinit { if let handle { curl_multi_cleanup(handle) } }

    // MARK: Transfers

    /// Starts a transfer, unless it was ended before.
    func start(_ transfer: CurlTransfer) {
        guard !transfer.isOver else { return }
        guard let handle else {
            return transfer.end(.failure(HTTPClientError(.cancelled, "the client is closed", mayHaveArrived: false)))
        }
        // Sockets outlive the transfer in libcurl's pool, so their closing is this object's business.
        shim_curl_setopt_pointer(transfer.handle, CURLOPT_CLOSESOCKETDATA, Unmanaged.passUnretained(self).toOpaque())
        shim_curl_setopt_closesocket_function(transfer.handle) { context, socket in
            if let context { multi(context).closeSocket(socket) }
            return 0
        }
        transfers[transfer.handle] = transfer
        let code = curl_multi_add_handle(handle, transfer.handle)
        guard code == CURLM_OK else {
            transfers[transfer.handle] = nil
            let message = String(cString: curl_multi_strerror(code))
            return transfer.end(.failure(HTTPClientError(.notSent, message)))
        }
    }

    /// Ends a transfer from our side. Not to be called from libcurl's callbacks.
    func abort(_ transfer: CurlTransfer, _ error: HTTPClientError) {
        if let handle, transfers.removeValue(forKey: transfer.handle) != nil {
            curl_multi_remove_handle(handle, transfer.handle)
        }
        transfer.end(.failure(error))
    }

    /// Ends everything and closes all connections.
    func shutDown() {
        for transfer in transfers.values { abort(transfer, HTTPClientError(.cancelled, "the client was closed")) }
        guard let handle else { return }
        self.handle = nil
        curl_multi_cleanup(handle)
        for watcher in watchers.values { watcher.close() }
        watchers = [:]
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    // MARK: Sockets

    private func watch(_ socket: curl_socket_t, _ what: Int32) {
        let interest: FileDescriptorWatcher.Interest
        switch what {
        case CURL_POLL_IN: interest = .read
        case CURL_POLL_OUT: interest = .write
        case CURL_POLL_INOUT: interest = .all
        default: return forget(socket)
        }
        let watcher = watchers[socket] ?? FileDescriptorWatcher(descriptor: socket, on: loop)
        watchers[socket] = watcher
        watcher.watch(interest) { [self] ready in act(on: socket, ready) }
    }

    private func forget(_ socket: curl_socket_t) { watchers.removeValue(forKey: socket)?.close() }

    /// Descriptor numbers are reused: the watch must be gone before the number is.
    private func closeSocket(_ socket: curl_socket_t) {
        forget(socket)
        Glibc.close(socket)
    }

    private func act(on socket: curl_socket_t, _ ready: FileDescriptorWatcher.Interest) {
        var flags: Int32 = 0
        if ready.contains(.read) { flags |= CURL_CSELECT_IN }
        if ready.contains(.write) { flags |= CURL_CSELECT_OUT }
        act(socket, flags)
    }

    private func act(_ socket: curl_socket_t, _ flags: Int32) {
        guard let handle else { return }
        var running: Int32 = 0
        curl_multi_socket_action(handle, socket, flags, &running)
        takeMessages()
    }

    private func takeMessages() {
        while let handle {
            var left: Int32 = 0
            guard let message = curl_multi_info_read(handle, &left) else { return }
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            // Read before the handle is removed: that frees the message.
            let code = message.pointee.data.result
            let transfer = transfers.removeValue(forKey: easy)
            curl_multi_remove_handle(handle, easy)
            transfer?.finish(code)
        }
    }

    // MARK: The timer

    private func setTimer(_ milliseconds: Int) {
        if let timer { loop.cancel(timer) }
        timer = nil
        if milliseconds == 0 {
            guard !isTimeoutDue else { return }
            isTimeoutDue = true
            // Not at once: libcurl is calling us, and must not be called back from here.
            loop.beforeSleeping { [self] in fire() }
        } else if milliseconds > 0 {
            timer = loop.schedule(after: .milliseconds(milliseconds)) { [self] in
                timer = nil
                fire()
            }
        }
    }

    private func fire() {
        isTimeoutDue = false
        act(CURL_SOCKET_TIMEOUT, 0)
    }
}

/// The object that libcurl hands back.
private func multi(_ context: UnsafeMutableRawPointer) -> CurlMulti {
    Unmanaged<CurlMulti>.fromOpaque(context).takeUnretainedValue()
}
