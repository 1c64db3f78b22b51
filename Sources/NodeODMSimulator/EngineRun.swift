/// What a run prints and how far it is. Pure: elapsed time in, lines and progress out.
struct EngineRun: Sendable {
    /// Lines of the whole run.
    var totalLines: Int
    var images: Int
    /// See ``Knobs/nastyOutput``.
    var isNasty: Bool

    /// How much of the engine's part is done, 0–1, so many milliseconds after the start. A held run stays before its end.
    static func share(elapsed: Int64, seconds: Double, isHeld: Bool) -> Double {
        let share = seconds > 0 ? min(1, Double(elapsed) / (seconds * 1000)) : 1
        return isHeld ? min(share, 0.8) : share
    }

    /// Lines that are due.
    func lineCount(at share: Double) -> Int { Int(share * Double(totalLines)) }

    /// The lines of a range of their numbers.
    func lines(_ range: Range<Int>) -> [String] { range.map(line) }

    private static let stages = [
        "dataset", "opensfm", "openmvs", "odm_filterpoints", "odm_meshing", "mvs_texturing", "odm_georeferencing",
        "odm_dem", "odm_orthophoto", "odm_report", "odm_postprocess",
    ]

    private func line(_ number: Int) -> String {
        if number == 0 { return "[INFO]    Simulated engine starts with \(images) images" }
        if isNasty, let line = Self.nasty(number) { return line }
        let stage = Self.stages[min(number * Self.stages.count / max(1, totalLines), Self.stages.count - 1)]
        return "[INFO]    \(stage): step \(number + 1) of \(totalLines)"
    }

    private static func nasty(_ number: Int) -> String? {
        switch number {
        case 1: "\u{1B}[39m[INFO]\u{1B}[0m    \u{1B}[1;31mred and bold\u{1B}[0m"
        case 2: "10%\r55%\r100%\r"
        case 3: "nul \0 bell \u{7} replacement \u{FFFD}"
        case 4: "error"
        case 5: String(repeating: "x", count: 1 << 20)
        case 6: "two\nlines\n"
        case 7: "\u{1B}]0;title\u{7}äöü 🚀"
        default: nil
        }
    }
}
