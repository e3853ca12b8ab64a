import EntropyCrypto
import Platform

// StateFile as this module uses it: every failure is a StateError, a missing file is nil.
extension StateFile {
    static func locked(_ path: String) throws(StateError) -> StateFile {
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

    func save(_ document: JSONDocument) throws(StateError) {
        var bytes = document.encode()
        defer { wipe(&bytes) }
        do throws(SystemError) { try replace(with: bytes) } catch { throw .file(error) }
    }
}
