internal import Backends
internal import Model
internal import NodeODM
internal import Storage

/// What lies in a task's input place, counted by the rules by which backends take it. It keeps no names: a place may hold
/// 100,000 objects.
struct InputSurvey: Sendable, Equatable {
    /// Pictures and films.
    var images = 0
    /// Of all that is wanted.
    var bytes: ByteCount = 0
    /// Zips and tars, which only kinds that unpack them can take.
    var archives = 0
    /// Ground control, geo, image groups, align.
    var sideFiles = 0
    /// All that was looked at, also what isn't wanted, and folders that weren't.
    var objects = 0

    /// A place with more objects is no dataset.
    static let maximumObjects = 1_000_000
    /// Objects that are looked at before others get their turn on the loop.
    private static let chunk = 100

    /// Looks through a place.
    /// - Parameters:
    ///   - fields: which place, and what of it is wanted.
    ///   - lister: asks the store.
    ///   - visit: told of each object that is wanted, in the order of the keys, with its path below the place.
    /// - Returns: the counts.
    /// - Throws: the store's errors; `.tooLarge` beyond the maximum.
    static func run(
        _ fields: ObjectStorageFields, _ lister: any ObjectLister,
        visit: (S3Object, InputSelection.Kind) -> Void = { _, _ in }
    ) async throws(StorageError) -> InputSurvey {
        let filter = InputFilter(fields.selection)
        let prefix = fields.input.prefix
        var survey = InputSurvey()
        var next: String?
        repeat {
            let page = try await lister.page(of: fields.input, after: next, isFlat: filter.isFlat)
            survey.objects += page.prefixes.count
            for (index, object) in page.objects.enumerated() where object.key.hasPrefix(prefix) {
                if index % Self.chunk == Self.chunk - 1 { await Task.yield() }
                let kind = filter.kind(of: String(object.key.utf8.dropFirst(prefix.utf8.count)) ?? "")
                survey.count(kind, object.size)
                if kind != .unwanted { visit(object, kind) }
            }
            guard survey.objects <= maximumObjects else {
                throw StorageError(.tooLarge, "\(fields.input) holds more than \(maximumObjects) objects")
            }
            next = page.next
        } while next != nil
        return survey
    }

    private mutating func count(_ kind: InputSelection.Kind, _ size: ByteCount) {
        objects += 1
        switch kind {
        case .image: images += 1
        case .archive: archives += 1
        case .side: sideFiles += 1
        case .unwanted: return
        }
        let (sum, isTooMuch) = bytes.bytes.addingReportingOverflow(size.bytes)
        bytes = ByteCount(isTooMuch ? .max : sum)
    }
}

extension ObjectStorageFields {
    /// Which objects of the input are wanted.
    var selection: InputSelection {
        InputSelection(depth: depth, excludes: excludes, usesDefaultExcludes: usesDefaultExcludes)
    }
}
