import Model
import NodeODM
import Testing

@testable import Backends

@Suite("A submission to another ScaleODM")
struct ScaleODMSubmissionTests {
    @Test("names its input by both fields, and where results go (item 49)")
    func places() throws {
        let input = try #require(S3URL("s3://mybucket/flight/"))
        let output = try #require(S3URL("s3://mybucket/flight-output/"))
        let submission = ScaleODMSubmission(
            mark: "gateway-1", options: [], skipsPostProcessing: false,
            places: ObjectSubmission(input: input, output: output, images: 3, bytes: 100), input: input)
        let body = try JSONValue(parsing: try submission.body())
        let told = ["zipurl", "readS3Path", "writeS3Path"].map { body[$0]?.text }
        #expect(told == ["s3://mybucket/flight/", "s3://mybucket/flight/", "s3://mybucket/flight-output/"])
    }
}
