import Foundation

extension Data {
    /// A file that the kernel makes while it is read, as in /proc: those have no size, and Foundation's own initializer takes the
    /// first 4 KB for all of them.
    public init(contentsOfKernelFile path: String) throws {
        self = try FileHandle(forReadingFrom: URL(fileURLWithPath: path)).readToEnd() ?? Data()
    }

    public init(contentsOf url: URL, limit: Int) throws {
        let file = try FileHandle(forReadingFrom: url)
        self = try file.read(upToCount: limit) ?? Data()
    }
}
