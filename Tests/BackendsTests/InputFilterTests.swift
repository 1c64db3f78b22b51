import Backends
import Model
import Testing

@Suite("Filters of input places")
struct InputFilterTests {
    private static let paths = [
        "a.jpg", "A.JPG", "b.Tiff", "c.png", "d.txt", "gcp_list.txt", "GEO.TXT", "align.laz", "x.zip", "x.tar.gz",
        "all.zip",
        "sub/all.zip", "sub/a.jpg", "odm/a.jpg", "sub/odm/a.jpg", "thumbs/a.jpg", "deep/er/thumbs/a.jpg",
        "flight-output/a.tif", "odm_orthophoto/odm_orthophoto.tif", "_DONE.json", "_STARTED.json", "", "sub/", "/a.jpg",
        "raw/a.jpg", "raw/b/c.jpg", "x/raw/a.jpg", "IMG_1.jpg", "IMG_22.jpg", "é/ü.jpg", "a.b.c.jpg", "odm.jpg",
        "images_resize/a.jpg", "submodels/submodel_0/images/a.jpg",
    ]

    @Test(
        "agrees with the selection that pods get",
        arguments: [
            InputSelection(depth: 1, excludes: [], usesDefaultExcludes: true),
            InputSelection(depth: 10, excludes: [], usesDefaultExcludes: true),
            InputSelection(depth: 10, excludes: [], usesDefaultExcludes: false),
            InputSelection(
                depth: 3, excludes: ["raw/**", "IMG_?.jpg", "*.{png,tiff}", "sub/"], usesDefaultExcludes: true),
            InputSelection(depth: 3, excludes: ["**", "x"], usesDefaultExcludes: false),
            InputSelection(depth: 3, excludes: ["*a*.jpg", "**/c.*"], usesDefaultExcludes: false), .staged,
        ])
    func agrees(selection: InputSelection) {
        let filter = InputFilter(selection)
        for path in Self.paths { #expect(filter.kind(of: path) == selection.kind(of: path), "\(path)") }
    }

    @Test("a pattern of many stars costs no more than its length")
    func manyStars() {
        let stars = String(repeating: "*a", count: 200) + "b"
        let filter = InputFilter(InputSelection(depth: 1, excludes: [stars], usesDefaultExcludes: false))
        #expect(filter.kind(of: String(repeating: "a", count: 900) + ".jpg") == .image)
    }
}
