/// A small real JPEG with a position in its EXIF, made of nothing: a mosaic of grey squares.
///
/// Baseline, one component, and of each block only the mean: so that the whole encoder is a table of nine codes.
struct SampleImage {
    /// Width and height in pixels: multiples of 8.
    static let width = 1024
    static let height = 768

    /// The picture's number in its flight: rows of eight, ten metres apart.
    let number: Int

    /// The file.
    var bytes: [UInt8] {
        var jpeg: [UInt8] = [0xFF, 0xD8]
        jpeg += Self.segment(0xE1, Array("Exif\0\0".utf8) + exif)
        // All quantisers 1 but the mean's: 8, so that a step of the mean is a step of grey.
        jpeg += Self.segment(0xDB, [0] + [8] + [UInt8](repeating: 1, count: 63))
        jpeg += Self.segment(0xC0, [8] + Self.two(Self.height) + Self.two(Self.width) + [1, 1, 0x11, 0])
        jpeg += Self.segment(0xC4, [0x00] + Self.meanCounts + Array(0..<9))
        // One code of one bit: the end of the block.
        jpeg += Self.segment(0xC4, [0x10, 1] + [UInt8](repeating: 0, count: 15) + [0])
        jpeg += Self.segment(0xDA, [1, 1, 0x00, 0, 63, 0])
        jpeg += scan
        return jpeg + [0xFF, 0xD9]
    }

    // MARK: The picture

    /// Nine codes of four bits: code and category of a difference are the same number (JPEG, annex C and F.1.2.1).
    private static let meanCounts: [UInt8] = [0, 0, 0, 9] + [UInt8](repeating: 0, count: 12)

    private var scan: [UInt8] {
        var bits = BitWriter()
        var before = 0
        var seed = UInt32(truncatingIfNeeded: number &+ 1) &* 2_654_435_761
        for _ in 0..<(Self.width / 8 * Self.height / 8) {
            seed = seed &* 1_664_525 &+ 1_013_904_223
            let mean = Int(seed >> 24) - 128
            let difference = mean - before
            before = mean
            let category = Int.bitWidth - difference.magnitude.leadingZeroBitCount
            bits.put(UInt32(category), 4)
            // A negative difference is written as its ones' complement.
            let value = difference < 0 ? difference + (1 << category) - 1 : difference
            bits.put(UInt32(value), category)
            bits.put(0, 1)
        }
        return bits.finished()
    }

    // MARK: The position

    /// A TIFF block, big-endian: one directory that points to the GPS directory.
    private var exif: [UInt8] {
        let latitude = 46.5 + Double(number / 8) * 0.0001
        let longitude = 6.5 + Double(number % 8) * 0.0001
        // 8 bytes of head, a directory of 1 entry (18), one of 5 (66): the rationals follow at 92.
        var tiff: [UInt8] = Array("MM".utf8) + Self.two(42) + Self.four(8)
        tiff += Self.two(1) + Self.entry(0x8825, type: 4, count: 1, Self.four(26)) + Self.four(0)
        tiff += Self.two(5)
        tiff += Self.entry(1, type: 2, count: 2, Array("N\0\0\0".utf8))
        tiff += Self.entry(2, type: 5, count: 3, Self.four(92))
        tiff += Self.entry(3, type: 2, count: 2, Array("E\0\0\0".utf8))
        tiff += Self.entry(4, type: 5, count: 3, Self.four(116))
        tiff += Self.entry(6, type: 5, count: 1, Self.four(140))
        tiff += Self.four(0)
        return tiff + Self.degrees(latitude) + Self.degrees(longitude) + Self.four(500 + number) + Self.four(1)
    }

    /// Degrees, minutes and hundredths of a second, as rationals.
    private static func degrees(_ value: Double) -> [UInt8] {
        let hundredths = Int((value * 360_000).rounded())
        let parts = [(hundredths / 360_000, 1), (hundredths / 6000 % 60, 1), (hundredths % 6000, 100)]
        return parts.flatMap { four($0.0) + four($0.1) }
    }

    private static func entry(_ tag: Int, type: Int, count: Int, _ value: [UInt8]) -> [UInt8] {
        two(tag) + two(type) + four(count) + value
    }

    private static func segment(_ marker: UInt8, _ content: [UInt8]) -> [UInt8] {
        [0xFF, marker] + two(content.count + 2) + content
    }

    private static func two(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    private static func four(_ value: Int) -> [UInt8] { two(value >> 16) + two(value & 0xFFFF) }
}

/// Bits, first one first, with a zero behind each FF (JPEG F.1.2.3).
private struct BitWriter {
    private var bytes: [UInt8] = []
    private var pending: UInt32 = 0
    private var count = 0

    mutating func put(_ value: UInt32, _ bits: Int) {
        pending = pending << UInt32(bits) | value
        count += bits
        while count >= 8 {
            count -= 8
            append(UInt8(truncatingIfNeeded: pending >> UInt32(count)))
        }
    }

    /// The last byte is filled with ones.
    mutating func finished() -> [UInt8] {
        if count > 0 { put((1 << UInt32(8 - count)) - 1, 8 - count) }
        return bytes
    }

    private mutating func append(_ byte: UInt8) {
        bytes.append(byte)
        if byte == 0xFF { bytes.append(0) }
    }
}
