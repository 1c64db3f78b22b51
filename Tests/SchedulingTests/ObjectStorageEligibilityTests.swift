import Model
import Scheduling
import Testing

@Suite("Which kinds take tasks in object storage")
struct ObjectStorageEligibilityTests {
    private func eligible(_ needs: TaskNeeds) -> [String] {
        let fleet = [
            BackendSnapshot(name: Fixture.name("argo"), kind: .argo, load: Fixture.load(slots: 1)),
            BackendSnapshot(name: Fixture.name("scaleodm"), kind: .scaleodm, load: Fixture.load(slots: 1)),
            BackendSnapshot(name: Fixture.name("node"), kind: .nodeodm, load: Fixture.load(slots: 1)),
        ]
        return fleet.filter { backend in
            var desk = Desk([Fixture.task(1, needs: needs)])
            return !desk.decide([backend]).placements.isEmpty
        }.map(\.name.string)
    }

    @Test("a zipurl alone goes anywhere; named places, an image or archives never to a node")
    func kinds() {
        #expect(eligible([]) == ["argo", "scaleodm", "node"])
        #expect(eligible(.objectStorage) == ["argo", "scaleodm"])
        #expect(eligible(.archives) == ["argo", "scaleodm"])
        #expect(eligible(.sideFiles) == ["argo", "node"])
        #expect(eligible([.objectStorage, .sideFiles]) == ["argo"])
    }

    @Test(
        "another ScaleODM takes images and archives alone",
        arguments: [.seed, .sideFiles, .outputs, .otherFiles] as [TaskNeeds])
    func inputs(needs: TaskNeeds) {
        #expect(eligible(needs) == ["argo", "node"])
        #expect(needs.missing(at: .scaleodm) == needs && needs.isSubset(of: .ofInputs))
        #expect(needs.missing(at: .argo).isEmpty && needs.missing(at: .nodeodm).isEmpty)
    }

    @Test("a task that names an image of the engine goes where that is allowed")
    func images() {
        func chosen(_ image: String) -> [String] {
            let fleet = [("fra", ["odm/odm:3.6.0"]), ("nyc", ["odm/odm:3.6.0", "example/odm"]), ("sin", nil)].map {
                (name, images) in
                var backend = BackendSnapshot(name: Fixture.name(name), kind: .argo, load: Fixture.load(slots: 1))
                backend.engineImages = images
                return backend
            }
            return fleet.filter { backend in
                var task = Fixture.task(1)
                task.requirements = Requirements(needs: .objectStorage, engineImage: image)
                var desk = Desk([task])
                return !desk.decide([backend]).placements.isEmpty
            }.map(\.name.string)
        }
        #expect(chosen("odm/odm:3.6.0") == ["fra", "nyc", "sin"])
        #expect(chosen("example/odm:1") == ["nyc", "sin"])
        #expect(chosen("example/odm@sha256:0") == ["nyc", "sin"])
        #expect(chosen("odm/odm:4") == ["sin"])
        #expect(chosen("example/odm-other:1") == ["sin"])
        #expect(Reason.imageNotAllowed("a:1").text == "doesn't allow the image a:1")
    }

    @Test("the reason is told in words")
    func words() {
        let reason = Reason.unsupported([.objectStorage, .archives])
        #expect(reason.text == "can't take S3 paths or an image of its own, archives in object storage")
        #expect(reason.code == "unsupported")
    }
}
