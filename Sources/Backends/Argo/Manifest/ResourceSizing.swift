public import Model
internal import NodeODM

/// What a task's pod is given: by the number and size of its images, and by what is to be made of them.
public struct ResourceSizing: Sendable, Equatable {
    /// Of the container that runs the engine.
    public var memory: ByteCount
    /// Cores of that container; also how many things the engine does at a time.
    public var cores: Int
    /// Of the workspace, and of the node's own disk where the workspace lies there.
    public var workspace: ByteCount

    /// Memory by images, in GiB; in between it is interpolated, beyond the end it goes on as steeply.
    ///
    /// | images | GiB |
    /// |---|---|
    /// | 40 | 18 |
    /// | 500 | 48 |
    /// | 1,000 | 80 |
    /// | 2,500 | 176 |
    /// | 5,000 | 340 |
    /// | 12,000 | 800 |
    static let table: [(images: Int, gibibytes: Int)] = [
        (0, 16), (40, 18), (250, 32), (500, 48), (1000, 80), (2500, 176), (5000, 340), (8000, 540), (12_000, 800),
    ]

    /// Images from which on a task isn't left to capacity that may be taken away: too much would be lost.
    static let mostImagesOnSpot = 5000

    /// Sizes a task.
    /// - Parameters:
    ///   - images: how many; 0 where an archive hides them.
    ///   - bytes: of all inputs.
    ///   - options: the halved and the half as much again of fast orthophotos and elevation models.
    ///   - step: how often a run before died for want of memory; each step doubles.
    ///   - overrides: of the inventory.
    init(
        images: Int, bytes: ByteCount, options: [TaskOption], step: Int = 0,
        overrides: ResourceOverrides = ResourceOverrides()
    ) {
        let images = min(max(images, 0), 1_000_000)
        let mine = overrides.sizeClass(for: images)
        var gibibytes = Self.gibibytes(for: images)
        if Self.isSet("fast-orthophoto", in: options) { gibibytes *= 0.5 }
        if Self.isSet("dsm", in: options) || Self.isSet("dtm", in: options) { gibibytes *= 1.5 }
        let asked = mine?.memory?.bytes ?? Int64(gibibytes.rounded(.up)) << 30
        let stepped = asked.multipliedReportingOverflow(by: 1 << Int64(min(max(step, 0), 8)))
        memory = ByteCount(
            min(
                max(stepped.overflow ? .max : stepped.partialValue, overrides.leastMemory.bytes),
                overrides.mostMemory.bytes))
        cores = mine?.cores ?? min(max(Int(memory.bytes >> 32), 2), 64)
        workspace = mine?.workspace ?? Self.workspace(images: images, bytes: bytes)
    }

    /// The inputs, what the engine makes of them (about ten times as much), and the results once more.
    private static func workspace(images: Int, bytes: ByteCount) -> ByteCount {
        let bytes = min(max(bytes.bytes, 0), 64 << 40)
        let needed = 10 << 30 + max(bytes * 12, Int64(images) * 150 << 20)
        // Whole tens of GiB: a size that says little of its task keeps volumes alike.
        return ByteCount((needed + 10 << 30 - 1) / (10 << 30) * (10 << 30))
    }

    private static func gibibytes(for images: Int) -> Double {
        var lower = table[0]
        for upper in table.dropFirst() {
            if images <= upper.images { return between(lower, upper, images) }
            if upper.images != table[table.count - 1].images { lower = upper }
        }
        return between(lower, table[table.count - 1], images)
    }

    private static func between(
        _ lower: (images: Int, gibibytes: Int), _ upper: (images: Int, gibibytes: Int), _ images: Int
    ) -> Double {
        let slope = Double(upper.gibibytes - lower.gibibytes) / Double(max(1, upper.images - lower.images))
        return Double(lower.gibibytes) + slope * Double(images - lower.images)
    }

    private static func isSet(_ name: String, in options: [TaskOption]) -> Bool {
        options.contains { $0.name == name && $0.value == .bool(true) }
    }
}
