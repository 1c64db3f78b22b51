/// Says of many objects what they are to a task, by the rules of `InputSelection`: each pattern is read once.
public struct InputFilter: Sendable {
    private let selection: InputSelection
    private let patterns: [PathPattern]

    /// A filter of a selection.
    public init(_ selection: InputSelection) {
        self.selection = selection
        let defaults = selection.usesDefaultExcludes ? InputSelection.defaultExcludes : []
        patterns = (["_STARTED.json", "_DONE.json"] + selection.excludes + defaults).flatMap(PathPattern.all(of:))
    }

    /// Whether only what lies directly in the place can be wanted.
    public var isFlat: Bool { selection.depth == 1 }

    /// What an object is to the task.
    /// - Parameter path: its key without the place's prefix.
    /// - Returns: as `InputSelection.kind(of:)`.
    public func kind(of path: String) -> InputSelection.Kind {
        let bytes = Array(path.utf8)
        let slashes = bytes.count { $0 == 0x2F }
        guard !bytes.isEmpty, bytes.last != 0x2F, slashes < selection.depth else { return .unwanted }
        let start = bytes.lastIndex(of: 0x2F).map { $0 + 1 } ?? 0
        let kind = kindOfName(String(decoding: bytes[start...], as: UTF8.self).lowercased())
        // Most of what isn't wanted shows by its name alone.
        if kind == .unwanted || patterns.contains(where: { $0.matches(bytes) }) { return .unwanted }
        return kind
    }

    private func kindOfName(_ name: String) -> InputSelection.Kind {
        if InputSelection.sideFiles.contains(name) { return .side }
        if selection.takesAll, name.hasSuffix(".txt") { return .side }
        if InputSelection.archiveEndings.contains(where: name.hasSuffix) { return .archive }
        if selection.takesAll || InputSelection.imageEndings.contains(where: name.hasSuffix) { return .image }
        return .unwanted
    }
}

/// A pattern as `GlobPattern` has it, over bytes: listings have 100,000 keys.
struct PathPattern: Sendable {
    private let pattern: [UInt8]
    private let isRooted: Bool

    private init(_ text: String, isRooted: Bool) {
        // A folder is what is in it.
        pattern = Array((text.hasSuffix("/") ? text + "**" : text).utf8)
        self.isRooted = isRooted
    }

    /// The patterns that one with braces stands for.
    static func all(of text: String) -> [PathPattern] {
        let isRooted = text.hasPrefix("/")
        return GlobPattern.expanded(isRooted ? String(text.dropFirst()) : text)
            .map { PathPattern($0, isRooted: isRooted) }
    }

    /// Whether a path fits: the whole of it, or its end from the start of a segment on.
    func matches(_ path: [UInt8]) -> Bool {
        if fits(path[...]) { return true }
        guard !isRooted else { return false }
        for index in path.indices where path[index] == 0x2F && fits(path[(index + 1)...]) { return true }
        return false
    }

    /// Steps through the pattern with the set of places that it can have reached: no pattern costs more than its length times
    /// the path's.
    private func fits(_ path: ArraySlice<UInt8>) -> Bool {
        var place = 0
        var start = path.startIndex
        // Without a star there is one place; most patterns end here.
        while place < pattern.count, pattern[place] != 0x2A {
            guard start < path.endIndex, Self.fits(pattern[place], path[start]) else { return false }
            place += 1
            start += 1
        }
        guard place < pattern.count else { return start == path.endIndex }
        return fitsStars(from: place, path[start...])
    }

    private func fitsStars(from first: Int, _ path: ArraySlice<UInt8>) -> Bool {
        let base = path.startIndex
        var reached = [Bool](repeating: false, count: path.count + 1)
        reached[0] = true
        var place = first
        while place < pattern.count {
            var next = [Bool](repeating: false, count: path.count + 1)
            let isStar = pattern[place] == 0x2A
            let isDouble = isStar && place + 1 < pattern.count && pattern[place + 1] == 0x2A
            var isAny = false
            for index in 0...path.count {
                if isStar {
                    if index > 0, !isDouble, path[base + index - 1] == 0x2F {
                        next[index] = reached[index]
                    } else {
                        next[index] = reached[index] || (index > 0 && next[index - 1])
                    }
                } else if index > 0, reached[index - 1], Self.fits(pattern[place], path[base + index - 1]) {
                    next[index] = true
                }
                isAny = isAny || next[index]
            }
            guard isAny else { return false }
            reached = next
            place += isDouble ? 2 : 1
        }
        return reached[path.count]
    }

    private static func fits(_ wanted: UInt8, _ byte: UInt8) -> Bool {
        wanted == byte || (wanted == 0x3F && byte != 0x2F)
    }
}
