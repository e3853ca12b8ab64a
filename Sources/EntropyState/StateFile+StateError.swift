import EntropyCrypto
import Platform

/// What a change of a file comes to.
struct Change<Result> {
    /// The new contents; nil to leave the file as it is.
    var contents: [UInt8]?
    let result: Result
}

// StateFile as this module uses it: every failure is a StateError, a missing file is nil.
extension StateFile {
    /// Times that a change is made anew because an editor was faster; nobody saves so often without a rest.
    private static let attempts = 50

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

    /// Changes a file as it is now, under its lock. `body` gets the contents, nil where there is no file, and is asked again
    /// when somebody who knows no lock, an editor, changed the file meanwhile: nobody's work is lost. Contents of more than
    /// `limit` bytes are neither read nor written. `version` becomes the one that stands there afterwards.
    static func change<Result>(
        _ path: String, limit: Int, knowing version: inout KnownVersion,
        _ body: ([UInt8]?) throws(StateError) -> Change<Result>
    ) throws(StateError) -> Result {
        let file = try locked(path)
        for _ in 0..<attempts {
            // What is read has one copy only, which the file wipes when it is done with it.
            var change = try patiently { () throws(StateError) in try body(try file.contents(limit: limit)) }
            let found = file.version
            if let count = change.contents?.count {
                defer { change.contents?.wipe() }
                do throws(SystemError) {
                    guard count <= limit else { throw file.tooLong }
                    guard try file.replace(with: change.contents ?? []) else { continue }
                } catch { throw .file(error) }
            }
            version.step(from: found, to: file.version)
            return change.result
        }
        throw .file(SystemError.busy(path))
    }

    static func change<Result>(
        _ path: String, limit: Int, _ body: ([UInt8]?) throws(StateError) -> Change<Result>
    ) throws(StateError) -> Result {
        var version = KnownVersion()
        return try change(path, limit: limit, knowing: &version, body)
    }

    /// Looks again, for a quarter of a second, at what is no JSON: an editor that writes in place shows half a file for a
    /// moment.
    static func patiently<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
        for _ in 0..<5 {
            do throws(StateError) {
                return try body()
            } catch {
                guard case .notJSON = error else { throw error }
                Process.sleep(milliseconds: 50)
            }
        }
        return try body()
    }

    private func contents(limit: Int) throws(StateError) -> [UInt8]? {
        do throws(SystemError) {
            return try read(limit: limit)
        } catch {
            if error.isMissing { return nil }
            throw .file(error)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func wipe() { EntropyCrypto.wipe(&self) }
}
