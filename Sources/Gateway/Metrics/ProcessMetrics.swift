import Glibc
internal import Observability

/// What the kernel says of this process, under the names that every Prometheus client uses.
enum ProcessMetrics {
    /// Adds the families to a registry. They are read off the loops: /proc may take a while.
    static func add(to registry: MetricsRegistry) {
        registry.samples("process_cpu_seconds_total", help: "Processor time, user and system.", .counter) { samples in
            var usage = rusage()
            guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return }
            samples.add(seconds(usage.ru_utime) + seconds(usage.ru_stime))
        }
        registry.samples("process_resident_memory_bytes", help: "Memory in use.", .gauge) { samples in
            if let pages = memoryPages(1) { samples.add(pages * pageSize) }
        }
        registry.samples("process_virtual_memory_bytes", help: "Address space in use.", .gauge) { samples in
            if let pages = memoryPages(0) { samples.add(pages * pageSize) }
        }
        registry.samples("process_open_fds", help: "Open file descriptors.", .gauge) { samples in
            if let count = openDescriptors() { samples.add(count) }
        }
        registry.samples("process_max_fds", help: "The most descriptors that may be open.", .gauge) { samples in
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
            samples.add(limit.rlim_cur)
        }
        registry.samples("process_threads", help: "Threads.", .gauge) { samples in
            // The fields behind the command's closing parenthesis; the command itself may hold blanks.
            guard let count = statFields()?.dropFirst(17).first.flatMap({ Int($0) }) else { return }
            samples.add(count)
        }
        let start = startSeconds()
        registry.samples("process_start_time_seconds", help: "When it started, since 1970.", .gauge) { samples in
            if let start { samples.add(start) }
        }
    }

    private static let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static func memoryPages(_ field: Int) -> Int? {
        let fields = read("/proc/self/statm")?.split(separator: " ") ?? []
        return field < fields.count ? Int(fields[field]) : nil
    }

    private static func statFields() -> [Substring]? {
        guard let text = read("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }

    /// The kernel counts it in ticks since boot, and boot in seconds since 1970.
    private static func startSeconds() -> Double? {
        guard let ticks = statFields()?.dropFirst(19).first.flatMap({ Double($0) }),
            let line = read("/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let boot = Double(line.dropFirst(6))
        else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func openDescriptors() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        // Without `.`, `..` and the descriptor that reads this.
        var count = -3
        while readdir(folder) != nil { count += 1 }
        return max(0, count)
    }

    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &room, room.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes.append(contentsOf: room[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
