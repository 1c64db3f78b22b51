import NodeODM
import Testing

@testable import NodeODMSimulator

@Suite("Knobs and flags")
struct KnobTests {
    @Test("every knob that is listed can be set to what is listed")
    func roundTrip() throws {
        var knobs = Knobs()
        let listed = try JSONValue(parsing: JSONWriter.text { knobs.encode(into: &$0) })
        try knobs.apply(listed)
        #expect(try JSONValue(parsing: JSONWriter.text { knobs.encode(into: &$0) }) == listed)
    }

    @Test("flags set the same knobs")
    func flags() throws {
        let configuration = try SimulatorConfiguration(arguments: [
            "--port", "0", "--control", "0", "--token", "s", "--dump", "always", "--max-parallel", "3",
            "--task-seconds", "0.5",
            "--ranges", "--drop", "commit=2", "--drop-after", "init", "--delay", "5", "--status-500", "info=-1",
            "--refuse-init", "no", "--max-images", "7",
        ])
        let knobs = configuration.knobs
        #expect(configuration.port == 0 && configuration.controlPort == 0 && configuration.dump == .always)
        #expect(knobs.maxParallel == 3 && knobs.taskSeconds == 0.5 && knobs.ranges && knobs.refuseInit == "no")
        #expect(knobs.drop == [.commit: 2] && knobs.dropAfter == [.`init`: 1] && knobs.maxImages == 7)
        #expect(knobs.delay.count == Endpoint.allCases.count && knobs.status500 == [.info: -1])
    }

    @Test(
        "wrong flags and knobs are refused with a reason",
        arguments: [
            ["--nope", "1"], ["--port", "x"], ["--task-seconds"], ["--drop", "nowhere=1"], ["--dump", "never"], ["x"],
        ])
    func refuses(arguments: [String]) {
        #expect(throws: SimulatorError.self) { try SimulatorConfiguration(arguments: arguments) }
    }

    @Test("a count is used up, −1 never is")
    func counts() {
        var knobs = Knobs()
        knobs.drop = [.info: 2, .list: -1]
        let info = (0..<4).map { _ in knobs.takeOne(\.drop, .info) }
        let list = (0..<4).map { _ in knobs.takeOne(\.drop, .list) }
        let commit = knobs.takeOne(\.drop, .commit)
        #expect(info == [true, true, false, false] && list == [true, true, true, true] && !commit)
    }
}
