internal import HTTPTypes
internal import NodeODM

/// The console of one workflow as one list of lines whose numbers never change meaning, over broken streams, pods that are tried
/// again, and a gateway that starts anew (the Argo contract, 3.5, *Output lines*).
///
/// Pods come one after the other, each whole before the next, so that whoever reads from the start gets the same numbers.
struct LogMerger: Sendable {
    /// Lines beyond which the reader should wait until they were taken.
    static let mostLines = 20_000

    /// Number of the first line that is kept.
    private(set) var first = 0
    private var lines: [String] = []
    private var cursors: [String: LogCursor] = [:]
    /// The pod whose lines come now.
    private(set) var pod: String?
    /// Lines of the engine itself in this pod: what task_output.txt has too.
    private var engineLines = 0
    /// The finest progress that the runner told.
    private(set) var progress: Double?
    /// Images that the runner counted.
    private(set) var images: Int?
    /// Lines that an earlier life of the gateway had taken; those are counted and not kept.
    private let taken: Int

    /// A console.
    /// - Parameter taken: how many lines were taken before this began.
    init(taken: Int = 0) { self.taken = max(0, taken) }

    /// The number after the last line.
    var end: Int { first + lines.count }
    /// Whether a reader should wait.
    var isFull: Bool { lines.count >= Self.mostLines }

    /// From where to ask for a pod's console, in seconds since 1970; nil: from the start.
    func since(pod: String) -> Int64? { cursors[pod]?.since }

    /// A stream of a pod's console begins.
    mutating func begin(pod name: String) {
        if pod != name {
            if pod != nil { append("--- the task is tried again in another pod ---") }
            pod = name
            engineLines = 0
        }
        cursors[name, default: LogCursor()].resume()
    }

    /// A line of the pod that was begun, with its time in front.
    mutating func take(_ line: some StringProtocol) {
        guard let pod else { return }
        let blank = line.firstIndex(of: " ") ?? line.endIndex
        guard let time = RFC3339.nanoseconds(line[..<blank]) else { return take(text: String(line)) }
        switch cursors[pod, default: LogCursor()].judge(time) {
        case .drop: return
        case .takeAfterGap: append("--- some lines of the console are lost here ---")
        case .take: break
        }
        take(text: blank == line.endIndex ? "" : String(line[line.index(after: blank)...]))
    }

    /// What a whole console says beyond what was taken; for when the pods are gone.
    /// - Parameter text: `task_output.txt`, or what Argo kept, without times.
    mutating func appendRest(of text: String) {
        var rest = text.split(separator: "\n", omittingEmptySubsequences: false)
        if rest.last?.isEmpty == true { rest.removeLast() }
        for line in rest.dropFirst(engineLines) { take(text: String(line)) }
    }

    /// Lines from a number on; those before it aren't needed any more.
    mutating func lines(from number: Int) -> [String] {
        if number > first {
            let dropped = min(number - first, lines.count)
            lines.removeFirst(dropped)
            first += dropped
        }
        return number > end ? [] : lines
    }

    /// The console was read to its present end. Where an earlier life had more lines than there are now, some were lost: new ones
    /// must not get their numbers.
    mutating func caughtUp() {
        guard end < taken else { return }
        lines = []
        first = taken
        append("--- some lines of the console are lost here ---")
    }

    private mutating func take(text: String) {
        if Self.isExecutors(text) || takeMarker(text) { return }
        if !text.hasPrefix("gateway: ") { engineLines += 1 }
        append(OutputCleaner.clean(text))
    }

    private mutating func takeMarker(_ text: String) -> Bool {
        guard text.hasPrefix("##gw-") else { return false }
        let words = text.split(separator: " ")
        guard words.count == 2 else { return false }
        switch words[0] {
        case "##gw-progress":
            guard let value = Double(words[1]), value.isFinite else { return false }
            progress = max(progress ?? 0, min(max(0, value), 99))
        case "##gw-images":
            guard let value = Int(words[1]), value >= 0 else { return false }
            images = value
        default: return false
        }
        return true
    }

    /// What Argo's executor says of itself, in its two forms.
    private static func isExecutors(_ text: String) -> Bool {
        (text.hasPrefix("time=\"") && text.hasSuffix("argo=true"))
            || (text.hasPrefix("{") && text.hasSuffix("}") && text.range(ofText: "\"argo\":true") != nil)
    }

    private mutating func append(_ line: String) {
        guard end >= taken else {
            // Known already: only its number counts.
            first += 1
            return
        }
        lines.append(line)
    }
}
