/// The public identity of a task: what clients see in every answer and use in every path.
///
/// Opaque to clients. Uploads get a UUIDv4 (or the client's `set-uuid`, kept in its spelling), `s3://` submissions
/// `odm-pipeline-` and ten random characters. Two spellings that differ only in case name the same task.
public struct TaskID: Sendable, CustomStringConvertible {
    /// As the client spelled it; echoed in every answer.
    public let string: String
    /// The spelling under which the record keeps it: lower case.
    public let key: String

    /// Parses text from a client.
    /// - Parameter text: `[A-Za-z0-9][A-Za-z0-9._-]{0,252}` (contract 12.1), anything else gives nil.
    public init?(_ text: some StringProtocol) { self.init(String(text)) }

    /// Parses a whole text, which is kept without a copy where it is in lower case.
    public init?(_ text: String) {
        var text = text
        let spelling = text.withUTF8 { Self.spelling(of: $0) }
        guard let spelling else { return nil }
        string = text
        key = spelling == .lowerCase ? text : text.lowercased()
    }

    private enum Spelling { case lowerCase, mixed }

    /// Without branches and without a way out of the loop, so that the compiler makes of it one that takes sixteen bytes at a time.
    private static func spelling(of bytes: UnsafeBufferPointer<UInt8>) -> Spelling? {
        guard let start = bytes.baseAddress, (1...253).contains(bytes.count), start[0].isLetterOrDigit else {
            return nil
        }
        var (strangers, capitals): (UInt8, UInt8) = (0, 0)
        for index in 0..<bytes.count {
            let byte = start[index]
            capitals |= byte &- 0x41 < 26 ? 1 : 0
            let wordBit: UInt8 = (byte &- 0x30 < 10 ? 1 : 0) | ((byte | 0x20) &- 0x61 < 26 ? 1 : 0)
            let markBit: UInt8 = (byte &- 0x2D < 2 ? 1 : 0) | (byte == 0x5F ? 1 : 0)
            strangers |= 1 ^ (wordBit | markBit)
        }
        guard strangers == 0 else { return nil }
        return capitals == 0 ? .lowerCase : .mixed
    }

    /// A fresh UUIDv4.
    /// - Parameter random: 128 bits are drawn from it.
    public init(randomUUID random: some RandomBits) {
        var bits: [UInt8] = []
        for _ in 0..<2 { withUnsafeBytes(of: random.next().bigEndian) { bits.append(contentsOf: $0) } }
        bits[6] = bits[6] & 0x0F | 0x40
        bits[8] = bits[8] & 0x3F | 0x80
        var text = ""
        for (index, byte) in bits.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append("-") }
            text.append(Self.hexadecimal[Int(byte >> 4)])
            text.append(Self.hexadecimal[Int(byte & 15)])
        }
        string = text
        key = text
    }

    /// A fresh identity of a task whose images came by `s3://`: `odm-pipeline-` and ten characters of the alphabet of Kubernetes'
    /// generated names, which is a workflow's name too.
    /// - Parameter random: asked for each character.
    public init(randomPipeline random: some RandomBits) {
        var text = Self.pipelinePrefix
        let alphabet = Self.pipelineAlphabet
        while text.utf8.count < Self.pipelinePrefix.utf8.count + 10 {
            // 27 characters: what is left of the top is drawn anew, so that all are equally likely.
            let value = random.next() & 31
            if value < alphabet.count { text.unicodeScalars.append(Unicode.Scalar(alphabet[Int(value)])) }
        }
        string = text
        key = text
    }

    private static let pipelinePrefix = "odm-pipeline-"
    private static let pipelineAlphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

    /// Whether it is a UUID that NodeODM takes as `set-uuid`: version 1–7, variant 8, 9, a or b, any case (contract 2.3).
    public var isUUID: Bool {
        let bytes = Array(key.utf8)
        guard bytes.count == 36 else { return false }
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 8, 13, 18, 23: guard byte == 0x2D else { return false }
            case 14: guard (0x31...0x37).contains(byte) else { return false }
            case 19: guard [0x38, 0x39, 0x61, 0x62].contains(byte) else { return false }
            default: guard (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) else { return false }
            }
        }
        return true
    }

    /// The spelling of the client.
    public var description: String { string }

    private static let hexadecimal = Array("0123456789abcdef")
}

extension TaskID: Hashable {
    /// Equal without regard to case.
    public static func == (left: TaskID, right: TaskID) -> Bool { left.key == right.key }
    /// Hashes what equality compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
    }
}
