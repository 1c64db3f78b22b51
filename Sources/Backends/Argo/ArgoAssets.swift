/// Where an asset lies below an attempt's output place.
public enum ArgoAssets {
    /// Short names of ScaleODM's and of NodeODM before 2.0.
    private static let short = [
        "orthophoto.tif": "odm_orthophoto/odm_orthophoto.tif", "dsm.tif": "odm_dem/dsm.tif",
        "dtm.tif": "odm_dem/dtm.tif",
        "orthophoto": "odm_orthophoto/odm_orthophoto.tif", "dsm": "odm_dem/dsm.tif", "dtm": "odm_dem/dtm.tif",
        "point_cloud": "odm_georeferencing/odm_georeferenced_model.laz",
    ]

    /// The name of an object below the output place.
    /// - Parameter asset: as a client asked: `all.zip`, a short name, or a path.
    /// - Returns: nil where it is no safe relative path.
    public static func name(of asset: String) -> String? {
        if let long = short[asset] { return long }
        guard !asset.isEmpty, asset.utf8.count <= 900, !asset.hasPrefix("/") else { return nil }
        let segments = asset.split(separator: "/", omittingEmptySubsequences: false)
        guard segments.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else { return nil }
        guard asset.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && $0 != "\\" }) else {
            return nil
        }
        // The gateway's own markers are no results.
        return asset.hasPrefix("_") ? nil : asset
    }
}
