import Glibc

/// Tells which entries of a folder change, from inotify, on a loop.
///
/// A folder rather than a file, since whoever replaces a file by renaming, as editors and Kubernetes do, leaves the old one
/// under watch.
public final class FolderWatch {
    /// The names of what was written to its end, renamed, made or removed; an empty one where some were missed.
    public let names: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation
    private let watcher: FileDescriptorWatcher

    /// Begins to watch.
    /// - Parameters:
    ///   - folder: its path.
    ///   - loop: whose thread calls this, and `close`.
    /// - Throws: `system` where the folder can't be watched.
    public init(_ folder: String, on loop: EventLoop) throws(ReactorError) {
        let descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { throw ReactorError(errno: errno, during: "inotify_init1") }
        let events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ONLYDIR
        guard inotify_add_watch(descriptor, folder, UInt32(events)) >= 0 else {
            let error = ReactorError(errno: errno, during: "inotify_add_watch \(folder)")
            Glibc.close(descriptor)
            throw error
        }
        (names, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(64))
        watcher = FileDescriptorWatcher(descriptor: descriptor, on: loop)
        watcher.watch(.read) { [continuation] _ in
            for name in Self.read(descriptor) { continuation.yield(name) }
        }
    }

    /// Ends the watch and the stream.
    public func close() {
        watcher.close()
        Glibc.close(watcher.descriptor)
        continuation.finish()
    }

    private static func read(_ descriptor: Int32) -> [String] {
        var names: [String] = []
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                guard count > 0 else { return }
                var offset = 0
                let head = MemoryLayout<inotify_event>.size
                while offset + head <= count {
                    let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    let end = min(count, offset + head + Int(event.len))
                    // Zeros fill the name up.
                    let bytes = buffer[offset + head..<end].prefix { $0 != 0 }
                    names.append(String(decoding: bytes, as: UTF8.self))
                    offset = end
                }
            }
        }
        return names
    }
}
