internal import CCurl

/// A URL whose host is replaced by the name in the server's certificate, beside where to connect in truth.
struct RenamedURL {
    /// The URL under the new name.
    let url: String
    /// libcurl's CONNECT_TO: any host and port of the URL leads to the old host and port.
    let connectTo: String

    init(_ text: String, serverName: String) throws(HTTPClientError) {
        let malformed = HTTPClientError(.invalidRequest, "the URL is malformed")
        guard let parsed = curl_url() else { throw malformed }
        defer { curl_url_cleanup(parsed) }
        guard curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK,
            let host = Self.part(CURLUPART_HOST, of: parsed),
            let port = Self.part(CURLUPART_PORT, of: parsed, flags: UInt32(CURLU_DEFAULT_PORT)),
            curl_url_set(parsed, CURLUPART_HOST, serverName, 0) == CURLUE_OK,
            let url = Self.part(CURLUPART_URL, of: parsed)
        else { throw malformed }
        self.url = url
        connectTo = "::\(host):\(port)"
    }

    private static func part(_ part: CURLUPart, of url: OpaquePointer, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
