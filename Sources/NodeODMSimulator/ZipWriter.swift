import Digests
import Glibc

/// Writes a ZIP archive of stored (uncompressed) files to disk, with ZIP64 where sizes or numbers need it (APPNOTE 4.3).
///
/// Memory is one buffer and a few bytes an entry. Local headers are written with a blank checksum first and completed
/// once the file went through.
struct ZipWriter: ~Copyable {
    private struct Entry {
        var name: [UInt8]
        var size: UInt64
        var offset: UInt64
        var checksum: UInt32
    }

    private static let limit32: UInt64 = 0xFFFF_FFFF
    private let path: String
    private let descriptor: Int32
    private var entries: [Entry] = []
    private var offset: UInt64 = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)

    init(path: String) throws(SimulatorError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Disk.failure("write", path) }
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// Adds a file from disk under a relative path with slashes. Its size must not change meanwhile.
    mutating func add(_ name: String, from file: String) throws(SimulatorError) {
        let source = open(file, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw Disk.failure("read", file) }
        defer { close(source) }
        var facts = stat()
        guard fstat(source, &facts) == 0 else { throw Disk.failure("read", file) }
        var entry = Entry(name: Array(name.utf8), size: UInt64(facts.st_size), offset: offset, checksum: 0)
        try append(Self.localHeader(entry))
        entry.checksum = try copy(source, count: entry.size, file)
        try complete(entry)
        entries.append(entry)
    }

    /// Writes the directory and ends the archive.
    consuming func finish() throws(SimulatorError) {
        let start = offset
        var directory: [UInt8] = []
        for entry in entries {
            directory.append(contentsOf: Self.centralHeader(entry))
            if directory.count > 1 << 16 {
                try append(directory)
                directory.removeAll(keepingCapacity: true)
            }
        }
        try append(directory)
        try append(Self.end(count: UInt64(entries.count), start: start, size: offset - start))
    }

    private mutating func append(_ bytes: [UInt8]) throws(SimulatorError) {
        try Disk.append(bytes, to: descriptor, path)
        offset += UInt64(bytes.count)
    }

    private mutating func copy(_ source: Int32, count: UInt64, _ file: String) throws(SimulatorError) -> UInt32 {
        var checksum = CRC32()
        var rest = count
        while rest > 0 {
            let length = read(source, buffer.baseAddress, Int(min(rest, UInt64(buffer.count))))
            if length < 0, errno == EINTR { continue }
            guard length > 0 else { throw Disk.failure("read all of", file) }
            let piece = UnsafeRawBufferPointer(rebasing: buffer[..<length])
            checksum.update(piece)
            guard Disk.append(piece, to: descriptor) else { throw Disk.failure("write", path) }
            rest -= UInt64(length)
        }
        offset += count
        return checksum.value
    }

    /// Puts the checksum into the local header, 14 bytes from its start.
    private func complete(_ entry: Entry) throws(SimulatorError) {
        var bytes: [UInt8] = []
        bytes.append(little: entry.checksum)
        let isWritten = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, 4, off_t(entry.offset) + 14) == 4 }
        guard isWritten else { throw Disk.failure("write", path) }
    }
}

// MARK: Records

extension ZipWriter {
    private static func localHeader(_ entry: Entry) -> [UInt8] {
        let isLarge = entry.size >= limit32
        var bytes: [UInt8] = []
        bytes.append(little: UInt32(0x0403_4B50))
        appendCommon(entry, isLarge, to: &bytes)
        bytes.append(little: UInt16(entry.name.count))
        bytes.append(little: UInt16(isLarge ? 20 : 0))
        bytes.append(contentsOf: entry.name)
        if isLarge { appendExtra([entry.size, entry.size], to: &bytes) }
        return bytes
    }

    private static func centralHeader(_ entry: Entry) -> [UInt8] {
        let isLarge = entry.size >= limit32
        let isFar = entry.offset >= limit32
        let extra = (isLarge ? [entry.size, entry.size] : []) + (isFar ? [entry.offset] : [])
        var bytes: [UInt8] = []
        bytes.append(little: UInt32(0x0201_4B50))
        bytes.append(little: UInt16(0x0300 | 45))
        appendCommon(entry, isLarge || isFar, to: &bytes)
        bytes.append(little: UInt16(entry.name.count))
        bytes.append(little: UInt16(extra.isEmpty ? 0 : 4 + 8 * extra.count))
        bytes.append(contentsOf: [UInt8](repeating: 0, count: 6))
        bytes.append(little: UInt32(0o100644 << 16))
        bytes.append(little: isFar ? UInt32.max : UInt32(entry.offset))
        bytes.append(contentsOf: entry.name)
        if !extra.isEmpty { appendExtra(extra, to: &bytes) }
        return bytes
    }

    /// Version needed, flags (names are UTF-8), method 0, a fixed date, checksum, sizes.
    private static func appendCommon(_ entry: Entry, _ isLarge: Bool, to bytes: inout [UInt8]) {
        bytes.append(little: UInt16(isLarge ? 45 : 20))
        bytes.append(little: UInt16(1 << 11))
        bytes.append(little: UInt16(0))
        bytes.append(little: UInt16(0))
        bytes.append(little: UInt16(0x5821))
        bytes.append(little: entry.checksum)
        let size = entry.size >= limit32 ? UInt32.max : UInt32(entry.size)
        bytes.append(little: size)
        bytes.append(little: size)
    }

    private static func appendExtra(_ values: [UInt64], to bytes: inout [UInt8]) {
        bytes.append(little: UInt16(1))
        bytes.append(little: UInt16(8 * values.count))
        for value in values { bytes.append(little: value) }
    }

    private static func end(count: UInt64, start: UInt64, size: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        if count >= 0xFFFF || start >= limit32 || size >= limit32 {
            bytes.append(little: UInt32(0x0606_4B50))
            bytes.append(little: UInt64(44))
            bytes.append(little: UInt16(0x0300 | 45))
            bytes.append(little: UInt16(45))
            bytes.append(little: UInt64(0))
            for value in [count, count, size, start] { bytes.append(little: value) }
            bytes.append(little: UInt32(0x0706_4B50))
            bytes.append(little: UInt32(0))
            bytes.append(little: start + size)
            bytes.append(little: UInt32(1))
        }
        bytes.append(little: UInt32(0x0605_4B50))
        bytes.append(little: UInt32(0))
        for _ in 0..<2 { bytes.append(little: UInt16(min(count, 0xFFFF))) }
        bytes.append(little: UInt32(min(size, limit32)))
        bytes.append(little: UInt32(min(start, limit32)))
        bytes.append(little: UInt16(0))
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
