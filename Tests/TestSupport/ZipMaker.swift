internal import Digests

/// Makes zips for tests: stored, not compressed, with whatever names and flaws a test wants.
public struct ZipMaker {
    private var body: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0

    /// An archive without entries.
    public init() {}

    /// Adds an entry. `mode` is its Unix mode, `checksum` replaces the right one, `flags` are the general purpose bits.
    public mutating func add(
        _ name: String, _ content: [UInt8], mode: UInt32 = 0o100_644, checksum: UInt32? = nil, flags: UInt16 = 0x0800
    ) {
        let offset = UInt32(body.count)
        let crc = checksum ?? CRC32.value(of: content)
        var common: [UInt8] = []
        common.little(UInt16(20))
        common.little(flags)
        common.little(UInt16(0))
        common.little(UInt32(0x5A21_0000))
        common.little(crc)
        common.little(UInt32(content.count))
        common.little(UInt32(content.count))
        common.little(UInt16(name.utf8.count))
        common.little(UInt16(0))
        body.little(UInt32(0x0403_4B50))
        body += common
        body += Array(name.utf8)
        body += content
        directory.little(UInt32(0x0201_4B50))
        directory.little(UInt16(0x0314))
        directory += common
        directory.little(UInt16(0))
        directory.little(UInt16(0))
        directory.little(UInt16(0))
        directory.little(mode << 16)
        directory.little(offset)
        directory += Array(name.utf8)
        count += 1
    }

    /// The whole archive.
    public var bytes: [UInt8] {
        var end: [UInt8] = []
        end.little(UInt32(0x0605_4B50))
        end.little(UInt32(0))
        end.little(count)
        end.little(count)
        end.little(UInt32(directory.count))
        end.little(UInt32(body.count))
        end.little(UInt16(0))
        return body + directory + end
    }
}

extension [UInt8] {
    fileprivate mutating func little(_ value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
