internal import HTTPTypes

/// Gathers the header lines that libcurl delivers one by one, through redirects and interim answers, into the final head.
struct HeadCollector {
    private var status = 0
    private var fields = HTTPFields()
    private var size = 0
    /// Whether a redirect will be followed instead of delivered.
    private let followsRedirects: Bool

    /// Bytes of heads beyond which the answer is refused.
    static let sizeLimit = 262_144

    /// The final head, once it is complete. Trailers don't change it.
    private(set) var head: OutboundHead?

    init(followsRedirects: Bool) { self.followsRedirects = followsRedirects }

    /// Takes a line with its line break.
    /// - Returns: false when the heads are too large.
    mutating func take(_ line: UnsafeBufferPointer<UInt8>) -> Bool {
        guard head == nil else { return true }
        size += line.count
        guard size <= Self.sizeLimit else { return false }
        var end = line.count
        while end > 0, line[end - 1] == ASCII.lineFeed || line[end - 1] == ASCII.carriageReturn { end -= 1 }
        let content = UnsafeBufferPointer(rebasing: line[..<end])
        if content.isEmpty {
            finish()
        } else if content.starts(with: "HTTP/".utf8) {
            start(content)
        } else {
            add(content)
        }
        return true
    }

    private mutating func start(_ line: UnsafeBufferPointer<UInt8>) {
        fields = HTTPFields()
        status = 0
        for byte in line.drop(while: { $0 != ASCII.space }).dropFirst().prefix(3) where ASCII.isDigit(byte) {
            status = status * 10 + Int(byte - ASCII.zero)
        }
    }

    private mutating func add(_ line: UnsafeBufferPointer<UInt8>) {
        guard let colon = line.firstIndex(of: ASCII.colon),
            let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
        else { return }
        let value = Substring(String(decoding: line[(colon + 1)...], as: UTF8.self))
        fields.append(name, String(ASCII.trimmed(value)))
    }

    private mutating func finish() {
        guard status >= 200 else { return }
        if followsRedirects, (301...303).contains(status) || status == 307 || status == 308,
            fields.contains("Location")
        {
            return
        }
        head = OutboundHead(status: status, fields: fields)
    }
}
