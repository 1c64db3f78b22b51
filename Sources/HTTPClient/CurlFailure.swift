internal import CCurl

/// What a transfer's end in libcurl means to the caller.
struct CurlFailure {
    /// libcurl's result.
    var code: CURLcode
    /// Bytes of request heads that were sent, over all redirects and connections of the transfer.
    var requestSize: Int
    /// libcurl's own words.
    var message: String
    /// Whether the guard turned an address away.
    var guardRefused: Bool

    /// The error, conservative about what may have been sent: libcurl counts a request's bytes once the system took them,
    /// so nothing counted is nothing sent.
    var error: HTTPClientError {
        let sent = requestSize > 0
        switch code {
        // Once something was sent, "unsupported protocol" speaks of an answer that is no HTTP/1.
        case CURLE_URL_MALFORMAT where !sent, CURLE_UNSUPPORTED_PROTOCOL where !sent:
            return HTTPClientError(.invalidRequest, message)
        case CURLE_COULDNT_CONNECT where guardRefused:
            return HTTPClientError(
                .refusedAddress, "the host's address is not public, and the outbound guard refuses it",
                mayHaveArrived: sent)
        case CURLE_OPERATION_TIMEDOUT where sent: return HTTPClientError(.timedOut, message)
        default: return HTTPClientError(sent ? .outcomeUnknown : .notSent, message)
        }
    }
}
