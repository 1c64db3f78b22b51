internal import Backends
internal import Model
internal import NodeODM
internal import Record
internal import Storage

/// Takes what a client says of images in object storage into a task, after a look at what is there.
struct ObjectStorageIntake: Sendable {
    /// nil where the inventory has no `storage.s3`.
    let buckets: ClientBuckets?

    /// What a form says of object storage.
    /// - Returns: nil where it says nothing.
    /// - Throws: `refused` or `notImplemented` for what can't be taken.
    func fields(_ form: TaskForm) throws(APIError) -> ObjectStorageFields? {
        do throws(ObjectStorageFieldError) {
            return try ObjectStorageFields.read { form.value($0) }
        } catch {
            throw error.code == .notImplemented ? .notImplemented(error.message) : .refused(error.message)
        }
    }

    /// Counts the images and puts them into the task.
    /// - Parameters:
    ///   - fields: of the form.
    ///   - task: gets its fields and counts.
    /// - Throws: where nothing can be made of them; `tryAgain` while the store is away.
    func survey(_ fields: ObjectStorageFields, into task: inout NewTask) async throws(APIError) {
        do throws(ObjectStorageRefusal) {
            let (known, found) = try await configured().survey(fields)
            task.objectStorage = known.json
            task.foundImages = found.images
            task.foundBytes = found.bytes
            task.zipURL = nil
        } catch {
            throw APIError(error)
        }
    }

    /// Checks the boundary among the options.
    /// - Parameters:
    ///   - options: as sent.
    ///   - fields: say where a boundary's object is.
    /// - Returns: the options with the GeoJSON itself; nil where they stay as they are.
    /// - Throws: where it is none, or can't be read.
    func boundary(_ options: String, _ fields: ObjectStorageFields) async throws(APIError) -> String? {
        let option = BoundaryOption { url throws(ObjectStorageRefusal) in
            let buckets = try configured()
            try buckets.check(url)
            let client = try buckets.client(for: fields)
            let key = String(url.prefix.dropLast())
            do throws(StorageError) {
                return try await client.read(bucket: url.bucket, key: key, atMost: BoundaryOption.maximumBytes)
            } catch {
                throw ObjectStorageRefusal(error, about: "s3://\(url.bucket)/\(key)")
            }
        }
        do throws(ObjectStorageRefusal) { return try await option.resolve(options) } catch { throw APIError(error) }
    }

    private func configured() throws(ObjectStorageRefusal) -> ClientBuckets {
        guard let buckets else {
            throw .refused(
                "s3:// inputs need storage.s3 in this gateway's inventory (endpoint, bucket and credentials); "
                    + "until its operator sets it, send the files.")
        }
        guard buckets.hasKeys else {
            throw .refused(
                "s3:// inputs need AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the gateway's environment; its operator "
                    + "has to set them.")
        }
        return buckets
    }
}
