internal import CShims
internal import Glibc

/// A kernel pipe through which splice(2) moves a body from one socket to another.
struct Pipe {
    let readEnd: Int32
    let writeEnd: Int32
    /// How many bytes it holds at most.
    let capacity: Int

    /// What is asked of the system; it grants less to processes that hold many pipes.
    static let wantedCapacity: Int32 = 262_144

    /// A new pipe; nil when the process has no descriptors left.
    init?() {
        var ends: [Int32] = [-1, -1]
        guard shim_pipe_nonblocking(&ends) == 0 else { return nil }
        readEnd = ends[0]
        writeEnd = ends[1]
        let granted = shim_pipe_set_size(writeEnd, Self.wantedCapacity)
        capacity = granted > 0 ? Int(granted) : 65_536
    }

    func close() {
        Glibc.close(readEnd)
        Glibc.close(writeEnd)
    }
}
