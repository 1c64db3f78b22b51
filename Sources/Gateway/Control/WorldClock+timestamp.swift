internal import Model
internal import Reactor

extension WorldClock {
    /// Now, in the form that the record keeps.
    var timestamp: Timestamp { Timestamp(milliseconds: wallMilliseconds()) }
}
