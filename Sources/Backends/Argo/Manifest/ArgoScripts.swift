/// The programs of the containers: fixed text, the same for every task. Their sources lie in `Scripts`.
enum ArgoScripts {
    /// POSIX sh, for the image of rclone.
    static let download = String(decoding: PackageResources.download_sh, as: UTF8.self)
    /// Python 3, for the engine's image.
    static let process = String(decoding: PackageResources.process_py, as: UTF8.self)
    /// Python 3, for the engine's image.
    static let upload = String(decoding: PackageResources.upload_py, as: UTF8.self)
    /// POSIX sh, for the image of rclone.
    static let finish = String(decoding: PackageResources.finish_sh, as: UTF8.self)
}
