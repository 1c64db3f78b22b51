/// Percent-encoding of URIs (RFC 3986 §2.1).
public enum PercentEncoding {
    /// Decodes into bytes; nil when a `%` isn't followed by two hexadecimal digits.
    ///
    /// `plusIsBlank` is for forms and queries, where `+` stands for a blank.
    public static func decodeBytes(
        _ bytes: some Sequence<UInt8>, plusIsBlank: Bool = false
    ) -> [UInt8]? {
        decode(bytes, plusIsBlank: plusIsBlank, lenient: false)
    }

    /// Decodes into a text; nil when the encoding is broken or the result is no UTF-8.
    public static func decode(_ text: some StringProtocol, plusIsBlank: Bool = false) -> String? {
        decodeBytes(text.utf8, plusIsBlank: plusIsBlank).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// Decodes a text, keeping a broken `%` as it stands and replacing what is no UTF-8: for input that must not fail.
    public static func decodeLeniently(_ bytes: some Sequence<UInt8>, plusIsBlank: Bool = false) -> String {
        String(decoding: decode(bytes, plusIsBlank: plusIsBlank, lenient: true) ?? [], as: UTF8.self)
    }

    /// The same for bytes that lie together, without a copy where nothing is encoded.
    public static func decodeLeniently(_ bytes: UnsafeBufferPointer<UInt8>, plusIsBlank: Bool = false) -> String {
        if bytes.holds(ASCII.percent) || (plusIsBlank && bytes.holds(ASCII.plus)) {
            return String(decoding: decode(bytes, plusIsBlank: plusIsBlank, lenient: true) ?? [], as: UTF8.self)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same, but as bytes, which need not be UTF-8.
    static func decodeLenientlyToBytes(_ bytes: UnsafeBufferPointer<UInt8>, plusIsBlank: Bool) -> [UInt8] {
        decode(bytes, plusIsBlank: plusIsBlank, lenient: true) ?? []
    }

    private static func decode(_ bytes: some Sequence<UInt8>, plusIsBlank: Bool, lenient: Bool) -> [UInt8]? {
        let input = Array(bytes)
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var index = 0
        while index < input.count {
            let byte = input[index]
            index += 1
            if byte == ASCII.percent {
                if index + 1 < input.count, let high = ASCII.hexValue(input[index]),
                    let low = ASCII.hexValue(input[index + 1])
                {
                    output.append(high << 4 | low)
                    index += 2
                } else if lenient {
                    output.append(byte)
                } else {
                    return nil
                }
            } else {
                output.append(plusIsBlank && byte == ASCII.plus ? ASCII.space : byte)
            }
        }
        return output
    }

    /// Encodes all but the unreserved characters (RFC 3986 §2.3) and those in `keeping`, such as "/" in a path.
    public static func encode(_ text: some StringProtocol, keeping: String = "") -> String {
        encode(String(text), keeping: keeping)
    }

    /// The same for a whole text, which is returned as it is where nothing needs encoding.
    public static func encode(_ text: String, keeping: String = "") -> String {
        var text = text
        if text.withUTF8({ bytes in !bytes.hasAny { 1 ^ unreservedBit($0) } }) { return text }
        var output: [UInt8] = []
        for byte in text.utf8 {
            if keeping.utf8.contains(byte) { output.append(byte) } else { append(byte, to: &output) }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends a text with all but the unreserved characters encoded, without making a text of it.
    public static func append(_ text: String, to output: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes in
            guard bytes.hasAny({ 1 ^ unreservedBit($0) }) else { return output.append(contentsOf: bytes) }
            for byte in bytes { append(byte, to: &output) }
        }
    }

    private static func append(_ byte: UInt8, to output: inout [UInt8]) {
        guard !isUnreserved(byte) else { return output.append(byte) }
        let digits: StaticString = "0123456789ABCDEF"
        output.append(ASCII.percent)
        output.append(digits.utf8Start[Int(byte >> 4)])
        output.append(digits.utf8Start[Int(byte & 15)])
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool { unreservedBit(byte) == 1 }

    /// Letters, digits, `-`, `.`, `_` and `~`.
    @inline(__always)
    private static func unreservedBit(_ byte: UInt8) -> UInt8 {
        ASCII.bit(ASCII.isDigit(byte)) | ASCII.bit((byte | 0x20) &- UInt8(ascii: "a") < 26)
            | ASCII.bit(byte == ASCII.hyphen) | ASCII.bit(byte == UInt8(ascii: "."))
            | ASCII.bit(byte == UInt8(ascii: "_")) | ASCII.bit(byte == UInt8(ascii: "~"))
    }
}
