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
}
