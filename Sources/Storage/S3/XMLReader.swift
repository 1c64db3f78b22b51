import CExpat

/// Parses an XML document by libexpat: bounded in depth and number of elements, without document types, so that no entity
/// can be declared that grows.
///
/// Invariant: lives for one `parse` on one thread; libexpat calls back from inside `XML_Parse` only, to the object that
/// `parse` keeps alive, passed unretained.
final class XMLReader {
    private let parser: XML_Parser
    private var open: [XMLElement] = []
    private var root: XMLElement?
    private var count = 0

    private static let maximumDepth = 16
    private static let maximumCount = 200_000

    /// The document's outermost element; nil for what is no well-formed XML, or is too deep or too large.
    static func parse(_ bytes: [UInt8]) -> XMLElement? {
        guard let parser = XML_ParserCreate(nil) else { return nil }
        defer { XML_ParserFree(parser) }
        let reader = XMLReader(parser)
        return withExtendedLifetime(reader) {
            bytes.withUnsafeBytes { raw in
                let start = raw.bindMemory(to: CChar.self).baseAddress
                return XML_Parse(parser, start, Int32(clamping: raw.count), 1) == XML_STATUS_OK
            } ? reader.root : nil
        }
    }

    private init(_ parser: XML_Parser) {
        self.parser = parser
        // `parse` keeps the reader alive until the parser has made its last call.
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(
            parser,
            { context, name, _ in reader(context)?.start(name) },
            { context, _ in reader(context)?.end() })
        XML_SetCharacterDataHandler(parser) { context, text, count in reader(context)?.add(text, count) }
        XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in reader(context)?.refuse() }
    }

    private func start(_ name: UnsafePointer<CChar>?) {
        guard let name, open.count < Self.maximumDepth, count < Self.maximumCount else { return refuse() }
        count += 1
        let whole = String(cString: name)
        open.append(XMLElement(name: whole.split(separator: ":").last.map(String.init) ?? whole))
    }

    private func end() {
        guard let element = open.popLast() else { return refuse() }
        if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    private func add(_ text: UnsafePointer<CChar>?, _ count: Int32) {
        guard let text, !open.isEmpty else { return }
        let bytes = UnsafeRawBufferPointer(start: text, count: Int(count))
        open[open.count - 1].text += String(decoding: bytes, as: UTF8.self)
    }

    private func refuse() { XML_StopParser(parser, 0) }
}

/// The object that libexpat hands back.
private func reader(_ context: UnsafeMutableRawPointer?) -> XMLReader? {
    context.map { Unmanaged<XMLReader>.fromOpaque($0).takeUnretainedValue() }
}
