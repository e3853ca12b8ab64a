import Platform

// StateFile as this module uses it: every failure is a StateError, a missing file is nil.
extension StateFile {
    static func locked(_ path: String) throws(StateError) -> StateFile {
        do throws(SystemError) { return try StateFile(locking: path) } catch { throw .file(error) }
    }

    static func contents(
        of path: String, limit: Int, secret: Bool = false, warn: (String) -> Void = { _ in }
    ) throws(StateError) -> [UInt8] {
        do throws(SystemError) {
            return try StateFile.read(path, limit: limit, secret: secret, warn: warn)
        } catch { throw .file(error) }
    }

    borrowing func contents(limit: Int) throws(StateError) -> [UInt8]? {
        do throws(SystemError) {
            return try read(limit: limit)
        } catch {
            if error.isMissing { return nil }
            throw .file(error)
        }
    }

    borrowing func save(_ document: JSONDocument) throws(StateError) {
        do throws(SystemError) { try replace(with: document.encode()) } catch { throw .file(error) }
    }
}
