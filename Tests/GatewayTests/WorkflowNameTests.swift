import Model
import Testing

@testable import Gateway

@Suite("Names by which clients ask for tasks")
struct WorkflowNameTests {
    @Test(
        "a workflow's name leads to its task",
        arguments: [
            ("0A4f2b1e-1a2b-4c3d-8e9f-0123456789ab", "0A4f2b1e-1a2b-4c3d-8e9f-0123456789ab"),
            ("odm-pipeline-0a4f2b1e-1a2b-4c3d-8e9f-0123456789ab", "0a4f2b1e-1a2b-4c3d-8e9f-0123456789ab"),
            ("odm-pipeline-0a4f2b1e-1a2b-4c3d-8e9f-0123456789ab-r2", "0a4f2b1e-1a2b-4c3d-8e9f-0123456789ab"),
            ("odm-pipeline-bcdfghjklm", "odm-pipeline-bcdfghjklm"),
            ("odm-pipeline-bcdfghjklm-r12", "odm-pipeline-bcdfghjklm"),
            ("odm-pipeline-r222222222", "odm-pipeline-r222222222"), ("odm-pipeline-", "odm-pipeline-"),
            ("odm-pipeline", "odm-pipeline"), ("task-r2", "task-r2"),
        ])
    func names(asked: String, task: String) {
        #expect(TaskID(asked: asked)?.string == task)
    }

    @Test("text that names nothing stays nothing")
    func none() {
        for text in ["", "-x", "a/b", "ü"] { #expect(TaskID(asked: text) == nil) }
    }

    @Test("names of new tasks are of the alphabet, and differ")
    func fresh() {
        let alphabet = Set("bcdfghjklmnpqrstvwxz2456789")
        let names = (0..<1000).map { _ in TaskID(randomPipeline: SystemRandomBits()).string }
        #expect(Set(names).count == 1000)
        for name in names {
            #expect(name.hasPrefix("odm-pipeline-") && name.count == 23)
            #expect(name.dropFirst(13).allSatisfy(alphabet.contains))
        }
        #expect(Set(names.joined()).isSuperset(of: alphabet))
    }
}
