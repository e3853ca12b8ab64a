import Foundation

extension Data {
    public init(contentsOf url: URL, limit: Int) throws {
        let file = try FileHandle(forReadingFrom: url)
        self = try file.read(upToCount: limit) ?? Data()
    }
}
