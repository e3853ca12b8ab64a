import EntropyCrypto
import Platform

// StateFile as this module uses it: every failure is a StateError, a missing file is nil.
extension StateFile {
    package static func locked(_ path: String) throws(StateError) -> StateFile {
        do throws(SystemError) { return try StateFile(locking: path) } catch { throw .file(error) }
    }

    package static func contents(
        of path: String, limit: Int, secret: Bool = false, warn: (String) -> Void = { _ in }
    ) throws(StateError) -> [UInt8] {
        do throws(SystemError) {
            return try StateFile.read(path, limit: limit, secret: secret, warn: warn)
        } catch { throw .file(error) }
    }

    func contents(limit: Int) throws(StateError) -> [UInt8]? {
        do throws(SystemError) {
            return try read(limit: limit)
        } catch {
            if error.isMissing { return nil }
            throw .file(error)
        }
    }

    /// Replaces the contents, unless they have become longer than what will be read.
    func save(_ document: JSONDocument, limit: Int) throws(StateError) {
        var bytes = document.encode()
        defer { wipe(&bytes) }
        guard bytes.count <= limit else { throw .file(tooLong) }
        do throws(SystemError) { try replace(with: bytes) } catch { throw .file(error) }
    }
}
