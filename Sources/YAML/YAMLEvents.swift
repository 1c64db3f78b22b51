import CYAML

/// What libyaml says about a document, one event after the other.
struct YAMLEvent {
    enum Kind {
        case documentStart, streamEnd, sequenceStart, mappingStart, end
        case scalar(YAMLScalar)
        case alias(String)
        /// Nothing that a tree needs.
        case other
    }

    var kind: Kind
    var location: SourceLocation
    var anchor: String?
    var tag: String?
}

/// The events of one text.
///
/// Owns libyaml's parser and a copy of the text, since the parser keeps a pointer to it.
struct YAMLEvents: ~Copyable {
    // Invariant: both are allocated in init, freed in deinit only, and never leave this struct.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8]) throws(YAMLProblem) {
        parser = .allocate(capacity: 1)
        text = .allocate(capacity: max(1, bytes.count))
        _ = text.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            text.deallocate()
            throw YAMLProblem(.limit, at: .start, "no memory for the parser")
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, UnsafePointer(text.baseAddress), bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    /// The next event.
    /// - Throws: what is wrong with the text; there is no next event after that.
    mutating func next() throws(YAMLProblem) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        var result = YAMLEvent(kind: .other, location: Self.location(event.start_mark))
        switch event.type {
        case YAML_DOCUMENT_START_EVENT: result.kind = .documentStart
        case YAML_STREAM_END_EVENT: result.kind = .streamEnd
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: result.kind = .end
        case YAML_ALIAS_EVENT: result.kind = .alias(Self.string(event.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_START_EVENT:
            result.kind = .sequenceStart
            result.anchor = Self.string(event.data.sequence_start.anchor)
            result.tag = Self.string(event.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT:
            result.kind = .mappingStart
            result.anchor = Self.string(event.data.mapping_start.anchor)
            result.tag = Self.string(event.data.mapping_start.tag)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nil
            result.kind = .scalar(YAMLScalar(String(decoding: bytes, as: UTF8.self), isPlain: isPlain))
            result.anchor = Self.string(scalar.anchor)
            result.tag = Self.string(scalar.tag)
        default: break
        }
        return result
    }

    private func problem() -> YAMLProblem {
        let state = parser.pointee
        let what = state.problem.map { String(cString: $0) } ?? "not YAML"
        if state.error == YAML_READER_ERROR {
            return YAMLProblem(.syntax, at: location(ofByte: Int(state.problem_offset)), "invalid text: \(what)")
        }
        guard state.error != YAML_MEMORY_ERROR else {
            return YAMLProblem(.limit, at: .start, "no memory for the document")
        }
        var message = "invalid YAML: \(what)"
        if let context = state.context {
            message += ", \(String(cString: context)) that starts in line \(Self.location(state.context_mark).line)"
        }
        return YAMLProblem(.syntax, at: Self.location(state.problem_mark), message)
    }

    /// libyaml tells the place of a bad byte only by its offset.
    private func location(ofByte offset: Int) -> SourceLocation {
        var location = SourceLocation.start
        for byte in text.prefix(max(0, offset)) {
            if byte == UInt8(ascii: "\n") {
                location = SourceLocation(line: location.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                location.column += 1
            }
        }
        return location
    }

    private static func location(_ mark: yaml_mark_t) -> SourceLocation {
        SourceLocation(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }

    private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }
}
