internal import Model
internal import NodeODM
internal import Scheduling

extension TaskNeeds {
    /// What a task with images in object storage needs; without, nothing.
    init(_ fields: ObjectStorageFields?) {
        self = []
        guard let fields else { return }
        if fields.namesPlaces || fields.engineImage != nil { insert(.objectStorage) }
        if fields.holdsArchives { insert(.archives) }
        if fields.holdsSideFiles { insert(.sideFiles) }
    }

    /// What a task needs by its files, by what it asks for, and by what it says of object storage.
    init(_ kinds: InputKinds, choosesOutputs: Bool, _ fields: ObjectStorageFields?) {
        self.init(fields)
        if kinds.contains(.seed) { insert(.seed) }
        if kinds.contains(.sideFiles) { insert(.sideFiles) }
        if kinds.contains(.otherFiles) { insert(.otherFiles) }
        if choosesOutputs { insert(.outputs) }
    }
}
