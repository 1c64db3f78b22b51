/// Builds a tree from events.
///
/// No recursion: what a file nests is bounded by a limit, not by the stack.
struct YAMLComposer {
    /// A node with what its replacement by an alias would cost.
    private struct Measured {
        var node: YAMLNode
        var size = 1
        var height = 0
    }

    /// A list or mapping whose end hasn't come yet.
    private struct Frame {
        var location: SourceLocation
        var anchor: String?
        var isMapping: Bool
        var nodes: [YAMLNode] = []
        var entries: [YAMLEntry] = []
        var keys: Set<String> = []
        var key: (text: String, location: SourceLocation)?
        var merged: [YAMLNode] = []
        var size = 1
        var height = 0
    }

    private(set) var root: YAMLNode?
    private(set) var problems: [YAMLProblem] = []
    private let limits: YAMLLimits
    private var frames: [Frame] = []
    private var anchors: [String: Measured] = [:]
    private var size = 0
    private var sawDocument = false

    init(limits: YAMLLimits) { self.limits = limits }

    /// Takes the next event.
    /// - Throws: what makes going on senseless; other problems are kept.
    mutating func take(_ event: YAMLEvent) throws(YAMLProblem) {
        try checkTag(event)
        switch event.kind {
        case .documentStart:
            guard !sawDocument else {
                throw YAMLProblem(.unsupported, at: event.location, "a second document: a file holds one")
            }
            sawDocument = true
        case .scalar(let scalar):
            let measured = Measured(node: YAMLNode(.scalar(scalar), at: event.location))
            if let anchor = event.anchor { anchors[anchor] = measured }
            try count(1, at: event.location)
            try add(measured, at: event.location)
        case .alias(let name):
            guard let measured = anchors[name] else {
                throw YAMLProblem(.syntax, at: event.location, "the alias *\(name) stands for nothing yet")
            }
            try count(measured.size, at: event.location)
            try add(measured, at: event.location)
        case .sequenceStart: try open(event, isMapping: false)
        case .mappingStart: try open(event, isMapping: true)
        case .end: try close()
        case .streamEnd, .other: break
        }
    }

    private func checkTag(_ event: YAMLEvent) throws(YAMLProblem) {
        guard let tag = event.tag, tag != "!", tag != "tag:yaml.org,2002:str" else { return }
        throw YAMLProblem(.unsupported, at: event.location, "the tag \(tag) isn't supported")
    }

    private mutating func count(_ nodes: Int, at location: SourceLocation) throws(YAMLProblem) {
        size += nodes
        guard size <= limits.nodes else {
            throw YAMLProblem(.limit, at: location, "the file has more than \(limits.nodes) nodes, aliases replaced")
        }
    }

    private mutating func open(_ event: YAMLEvent, isMapping: Bool) throws(YAMLProblem) {
        try count(1, at: event.location)
        if let frame = frames.last, frame.isMapping, frame.key == nil {
            throw YAMLProblem(.unsupported, at: event.location, "a key must be text")
        }
        frames.append(Frame(location: event.location, anchor: event.anchor, isMapping: isMapping))
        try checkDepth(below: 0, at: event.location)
    }

    private func checkDepth(below height: Int, at location: SourceLocation) throws(YAMLProblem) {
        guard frames.count + height <= limits.depth else {
            throw YAMLProblem(.limit, at: location, "lists and mappings lie more than \(limits.depth) deep")
        }
    }

    private mutating func close() throws(YAMLProblem) {
        guard var frame = frames.popLast() else { return }
        mergeEntries(of: &frame)
        let content: YAMLNode.Content = frame.isMapping ? .mapping(frame.entries) : .sequence(frame.nodes)
        let measured = Measured(
            node: YAMLNode(content, at: frame.location), size: frame.size, height: frame.height + 1)
        if let anchor = frame.anchor { anchors[anchor] = measured }
        try add(measured, at: frame.location)
    }

    private mutating func add(_ measured: Measured, at location: SourceLocation) throws(YAMLProblem) {
        guard let last = frames.indices.last else {
            root = measured.node
            return
        }
        try checkDepth(below: measured.height, at: location)
        frames[last].size += measured.size
        frames[last].height = max(frames[last].height, measured.height)
        guard frames[last].isMapping else {
            frames[last].nodes.append(measured.node)
            return
        }
        guard let key = frames[last].key else {
            guard case .scalar(let scalar) = measured.node.content else {
                throw YAMLProblem(.unsupported, at: location, "a key must be text")
            }
            frames[last].key = (scalar.text, location)
            return
        }
        frames[last].key = nil
        addEntry(YAMLEntry(key.text, at: key.location, measured.node), to: last)
    }

    private mutating func addEntry(_ entry: YAMLEntry, to frame: Int) {
        if entry.key == "<<" {
            let nodes = entry.value.elements
            frames[frame].merged += nodes.isEmpty ? [entry.value] : nodes
        } else if frames[frame].keys.insert(entry.key).inserted {
            frames[frame].entries.append(entry)
        } else {
            let first = frames[frame].entries.first { $0.key == entry.key }
            let line = first.map { ", first in line \($0.location.line)" } ?? ""
            problems.append(
                YAMLProblem(.duplicateKey, at: entry.location, "the key `\(entry.key)` stands here twice\(line)"))
        }
    }

    /// A mapping's own keys win over merged ones, and earlier merged ones over later.
    private mutating func mergeEntries(of frame: inout Frame) {
        for node in frame.merged {
            guard case .mapping(let entries) = node.content else {
                problems.append(
                    YAMLProblem(.unsupported, at: node.location, "`<<` takes a mapping, or a list of mappings"))
                continue
            }
            for entry in entries where frame.keys.insert(entry.key).inserted { frame.entries.append(entry) }
        }
    }
}
