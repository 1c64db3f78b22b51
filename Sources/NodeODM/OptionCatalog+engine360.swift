/// The options of engine 3.6.0: names, types, defaults and domains are the engine's, the help texts are ours.
extension OptionCatalog {
    /// The list of the reference engine, ODM 3.6.0, in its order: what `/options` answers before any node was read.
    public static let engine360 = OptionCatalog(definitions360)

    /// The stages of a run in their order.
    ///
    /// WebODM's Restart uses the second choice of `rerun-from`, its Resume the last.
    private static let stages = [
        "dataset", "split", "merge", "opensfm", "openmvs", "odm_filterpoints", "odm_meshing",
        "mvs_texturing", "odm_georeferencing", "odm_dem", "odm_orthophoto", "odm_report", "odm_postprocess",
    ]

    private static let definitions360: [OptionDefinition] = [
        .choice("end-with", "odm_postprocess", of: stages, "Stop after this stage."),
        .choice(
            "rerun-from", "", of: [""] + stages,
            "Keep the results of the stages before this one and run again from it."),
        .integer(
            "min-num-features", "10000", "integer",
            "Features wanted from each image; more make matching slower and more robust."),
        .choice(
            "feature-type", "dspsift", of: ["akaze", "dspsift", "hahog", "orb", "sift"],
            "Algorithm that finds keypoints and describes them."),
        .choice(
            "feature-quality", "high", of: ["ultra", "high", "medium", "low", "lowest"],
            "Quality of feature extraction; higher takes more memory and time."),
        .choice(
            "matcher-type", "flann", of: ["bow", "bruteforce", "flann"],
            "Algorithm that matches features between images."),
        .integer(
            "matcher-neighbors", "0", "positive integer",
            "Match each image only with so many nearest ones by position; 0 uses triangulation."),
        .integer(
            "matcher-order", "0", "positive integer",
            "Match each image with so many nearest ones by file name; 0 turns it off."),
        .flag(
            "use-fixed-camera-params",
            "Don't refine the camera's parameters; helps against a bowl shape of flat areas."),
        .string(
            "cameras", "", "json",
            "Camera parameters computed by another task, as JSON."),
        .choice(
            "camera-lens", "auto",
            of: ["auto", "perspective", "brown", "fisheye", "fisheye_opencv", "spherical", "equirectangular", "dual"],
            "Projection of the camera's lens."),
        .choice(
            "radiometric-calibration", "none", of: ["none", "camera", "camera+sun"],
            "Turn pixel values into reflectance, for multispectral and thermal cameras."),
        .integer(
            "max-concurrency", "8", "positive integer",
            "The most processes that run at once; memory grows with it."),
        .flag(
            "use-hybrid-bundle-adjustment",
            "Adjust locally for each image added and globally every 100 images; faster for large sets."),
        .choice(
            "sfm-algorithm", "incremental", of: ["incremental", "triangulation", "planar"],
            "How camera positions are found; triangulation and planar are faster but need good positions."),
        .flag(
            "sfm-no-partial",
            "Fail instead of going on with the largest group when images fall into several groups."),
        .flag("sky-removal", "Mask the sky in images automatically."),
        .flag("bg-removal", "Mask the background in images automatically."),
        .flag("use-3dmesh", "Make the orthophoto from the full 3D mesh instead of a 2.5D one."),
        .flag("skip-3dmodel", "Don't make a full 3D model; saves time where only 2D results are needed."),
        .flag("skip-report", "Don't make the PDF report."),
        .flag("skip-orthophoto", "Don't make an orthophoto; saves time where only 3D results are needed."),
        .flag("ignore-gsd", "Don't limit resolutions by the ground sampling distance; may need very much memory."),
        .flag("no-gpu", "Don't use a graphics processor even where there is one."),
        .integer("mesh-size", "200000", "positive integer", "The most vertices of the mesh."),
        .integer(
            "mesh-octree-depth", "11", "integer: 1 <= x <= 14",
            "Depth of the octree for reconstructing the mesh; 8 to 12 are useful."),
        .flag("fast-orthophoto", "Make the orthophoto without dense reconstruction: quicker, less exact."),
        .float(
            "crop", "3", "positive float",
            "Crop results by a smoothed outline of the data, moved inwards by so many meters; 0 turns it off."),
        .string("boundary", "", "json", "GeoJSON polygon that limits the area of the reconstruction."),
        .flag("auto-boundary", "Limit the area of the reconstruction by the positions of the cameras."),
        .float(
            "auto-boundary-distance", "0", "positive float",
            "Meters between the cameras and the automatic boundary; 0 chooses by itself."),
        .choice(
            "pc-quality", "medium", of: ["ultra", "high", "medium", "low", "lowest"],
            "Density of the point cloud; each step up takes about four times as long."),
        .flag("pc-classify", "Classify the points into ground and others."),
        .flag("pc-csv", "Also write the point cloud as CSV."),
        .flag("pc-las", "Also write the point cloud as LAS."),
        .flag("pc-ept", "Also write the point cloud as Entwine Point Tiles."),
        .flag("pc-copc", "Write the point cloud as a cloud optimized COPC instead of LAZ."),
        .float(
            "pc-filter", "5", "positive float",
            "Remove points that lie further than so many standard deviations from their neighbours; 0 turns it off."),
        .float("pc-sample", "0", "positive float", "Keep one point within a radius of so many meters; 0 keeps all."),
        .flag("pc-skip-geometric", "Estimate depth without the geometric pass: quicker, more noise."),
        .float("smrf-scalar", "1.25", "positive float", "Ground filter: scaling of the elevation threshold by slope."),
        .float("smrf-slope", "0.15", "positive float", "Ground filter: slope (rise over run) of the terrain."),
        .float("smrf-threshold", "0.5", "positive float", "Ground filter: elevation threshold in meters."),
        .float(
            "smrf-window", "18", "positive float",
            "Ground filter: radius in meters of the largest thing that isn't ground, such as a building."),
        .flag("texturing-skip-global-seam-leveling", "Don't even out colours between images; for multispectral data."),
        .flag("texturing-keep-unseen-faces", "Keep faces of the mesh that no camera sees."),
        .flag("texturing-single-material", "Write all textures into one file."),
        .flag("gltf", "Also write the textured model as a glTF binary."),
        .flag("use-exif", "Take positions from the images even where there is a ground control file."),
        .flag("dtm", "Make a terrain model (ground only)."),
        .flag("dsm", "Make a surface model (ground and what stands on it)."),
        .integer(
            "dem-gapfill-steps", "3", "positive integer",
            "Steps, each with twice the radius, that fill gaps of elevation models; 0 turns it off."),
        .float("dem-resolution", "5", "float", "Resolution of elevation models in centimeters a pixel."),
        .integer(
            "dem-decimation", "1", "positive integer",
            "Use only one of so many points for elevation models; 1 uses all."),
        .flag(
            "dem-euclidean-map",
            "Also write, for each pixel of an elevation model, the distance to the nearest real one."),
        .float("orthophoto-resolution", "5", "float > 0.0", "Resolution of the orthophoto in centimeters a pixel."),
        .flag("orthophoto-no-tiled", "Write the orthophoto in stripes instead of tiles."),
        .flag("orthophoto-png", "Also write the orthophoto as PNG."),
        .flag("orthophoto-kmz", "Also write the orthophoto for Google Earth."),
        .choice(
            "orthophoto-compression", "DEFLATE", of: ["JPEG", "LZW", "PACKBITS", "DEFLATE", "LZMA", "NONE"],
            "Compression of the orthophoto."),
        .flag("orthophoto-cutline", "Also write a polygon along which the orthophoto may be cut and joined."),
        .flag("tiles", "Also make map tiles of orthophoto and elevation models."),
        .flag("3d-tiles", "Also write OGC 3D Tiles."),
        .flag("rolling-shutter", "Correct the distortion of rolling shutters; for images taken in motion."),
        .float(
            "rolling-shutter-readout", "0", "positive integer",
            "Readout time of the sensor in milliseconds; 0 looks the camera up."),
        .flag("build-overviews", "Build overviews of the orthophoto for quicker display."),
        .flag("cog", "Write raster results as Cloud Optimized GeoTIFF."),
        .integer("video-limit", "500", "positive integer", "The most frames taken from a video; 0 takes all."),
        .integer(
            "video-resolution", "4000", "positive integer",
            "The longest side in pixels of frames taken from a video."),
        .integer(
            "split", "999999", "positive integer",
            "Split the task into parts of about so many images, processed apart and merged."),
        .float("split-overlap", "150", "positive integer", "Meters by which parts of a split task overlap."),
        .flag("sm-no-align", "Don't align the parts of a split task; for images with very exact positions."),
        .string("sm-cluster", "", "string", "Address of a node to which the parts of a split task are sent."),
        .choice(
            "merge", "all", of: ["all", "pointcloud", "orthophoto", "dem"],
            "What is merged from the parts of a split task."),
        .flag("merge-skip-blending", "Don't blend colours at the seams when orthophotos are merged."),
        .flag("force-gps", "Use the images' positions even where there is a ground control file."),
        .float(
            "gps-accuracy", "3", "positive float",
            "Accuracy of the images' positions in meters, unless they state their own."),
        .float(
            "gps-z-offset", "0", "float",
            "Meters added to all altitudes; corrects differences between vertical datums."),
        .flag(
            "optimize-disk-space",
            "Delete heavy intermediate files early; the task can't be rerun from a later stage then."),
        .flag("pc-rectify", "Correct wrong ground classifications of the point cloud."),
        .string("primary-band", "auto", "string", "The band of multispectral images that the reconstruction uses."),
        .flag("skip-band-alignment", "Don't align the bands of multispectral images."),
    ]
}

extension OptionDefinition {
    fileprivate static func flag(_ name: String, _ help: String) -> OptionDefinition {
        make(name, .bool, "false", .rule(""), help)
    }
    fileprivate static func integer(_ name: String, _ value: String, _ rule: String, _ help: String) -> Self {
        make(name, .integer, value, .rule(rule), help)
    }
    fileprivate static func float(_ name: String, _ value: String, _ rule: String, _ help: String) -> Self {
        make(name, .float, value, .rule(rule), help)
    }
    fileprivate static func string(_ name: String, _ value: String, _ rule: String, _ help: String) -> Self {
        make(name, .string, value, .rule(rule), help)
    }
    fileprivate static func choice(_ name: String, _ value: String, of choices: [String], _ help: String) -> Self {
        make(name, .choice, value, .choices(choices), help + " Can be one of: %(choices)s.")
    }

    /// Clients substitute the placeholders since API 2.1.2.
    private static func make(
        _ name: String, _ type: ValueType, _ value: String, _ domain: OptionDomain, _ help: String
    ) -> OptionDefinition {
        OptionDefinition(name: name, type: type, value: value, domain: domain, help: help + " Default: %(default)s")
    }
}
