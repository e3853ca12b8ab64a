import CTSS2
import Platform

/// Milliseconds that a TPM may take before it counts as silent.
public struct TPMDeadlines: Sendable {
    /// For a command, and for opening.
    public let command: Int64
    /// For a command that makes a key: an RSA key takes minutes on some chips.
    public let creation: Int64

    public init(command: Int64 = 120_000, creation: Int64 = 600_000) {
        self.command = command
        self.creation = creation
    }
}

/// One TPM, opened when it is needed and opened anew when its connection broke.
public final class TPMDevice {
    /// What the TCTI loader is told, such as `device:/dev/tpmrm0` or `swtpm:path=/run/swtpm.sock`.
    public let configuration: String
    private var context: TPMContext?
    private var expectation = TPMExpectation()
    /// Counts the openings: what was loaded by an earlier context is gone.
    private var generation = 0
    private let termination: Termination?
    private let deadlines: TPMDeadlines
    /// The TPM did not answer: it is not asked again before a moment on the clock of `now`.
    private var silence: (error: TPMError, until: Int64)?
    /// Gets a line when a command had to be repeated: with the first one, then at most once an hour.
    public var report: ((String) -> Void)?
    private var repeats = RepeatCount()

    /// Milliseconds before a command that the TPM was too busy for is sent again.
    private static let retryDelay: Int64 = 500

    /// `configuration` may also be the path of a device alone. When `termination` is requested, every wait for the TPM ends.
    public init(_ configuration: String, termination: Termination? = nil, deadlines: TPMDeadlines = TPMDeadlines()) {
        self.configuration = TCTI.complete(configuration)
        self.termination = termination
        self.deadlines = deadlines
    }

    /// True for a TPM that is a program: of those ways to a TPM only simulators can be at the other end.
    public var isSimulated: Bool {
        ["swtpm", "mssim", "libtpms"].contains { Text.begins(configuration, with: $0) }
    }

    /// The TPM that the options name: `given`, else TPM2TOOLS_TCTI, else the board's device. Never the loader's own
    /// search, which can silently find a simulator.
    public convenience init(
        named given: String?, termination: Termination? = nil, deadlines: TPMDeadlines = TPMDeadlines()
    ) {
        self.init(
            given ?? Process.environment("TPM2TOOLS_TCTI") ?? TCTI.standard, termination: termination,
            deadlines: deadlines)
    }

    /// From now on every opening fails unless the key that sessions are salted to has this Name: only then does the session
    /// protect what crosses the bus. That key is the persistent parent of the one at `location`, or else the primary of the owner
    /// hierarchy. Nil where nothing was recorded.
    public func expect(_ location: TPMKeyLocation, primaryName: [UInt8]?) {
        expectation.primaryName = primaryName
        expectation.parent = location.persistentParent
        close()
    }

    /// The passwords of the TPM's owner, and of a persistent parent; nil where none is given.
    public func usePasswords(owner: AuthValue?, parent: AuthValue?) {
        expectation.ownerAuth = owner
        expectation.parentAuth = parent
        close()
    }

    /// What the TPM says of itself.
    public func properties() throws(TPMError) -> TPMProperties {
        try perform { (context, _) throws(TPMError) in try context.properties() }
    }

    /// How near the TPM is to its lockout.
    public func lockout() throws(TPMError) -> LockoutState {
        try perform { (context, _) throws(TPMError) in try context.lockoutState() }
    }

    /// Flushes what is loaded and closes the TPM; it is opened again when it is next needed.
    public func close() { context = nil }

    /// Runs `body` with an open TPM and the number of its opening. When the connection turns out to be broken, opens it
    /// anew and tries once more; when the TPM is busy, once more after half a second. A TPM that did not answer is asked again
    /// only after it had as long a rest.
    func perform<R>(_ body: (TPMContext, Int) throws(TPMError) -> R) throws(TPMError) -> R {
        var result: R?
        try run { (context, number) throws(TPMError) in result = try body(context, number) }
        guard let result else { preconditionFailure("what ran without an error has a result") }
        return result
    }

    /// The same without a result: one copy for all of them in the program.
    @inline(never)
    private func run(_ body: (TPMContext, Int) throws(TPMError) -> Void) throws(TPMError) {
        if let silence, TPMDevice.now() < silence.until { throw silence.error }
        do throws(TPMError) {
            return try tryOnce(body)
        } catch {
            switch error.code {
            case .contextLost:
                close()
                if let line = repeats.count(error.message, at: TPMDevice.now()) { report?(line) }
            case .retry: Process.sleep(milliseconds: TPMDevice.retryDelay)
            default: throw error
            }
        }
        try tryOnce(body)
    }

    private func tryOnce(_ body: (TPMContext, Int) throws(TPMError) -> Void) throws(TPMError) {
        do throws(TPMError) {
            try body(try open(), generation)
            silence = nil
        } catch {
            switch error.code {
            case .interrupted: close()
            case .silent:
                close()
                let limit = error.response == TSS2_RC(TPM_LINE_SILENT) ? deadlines.command : deadlines.creation
                let named = TPMError(
                    .silent, "the TPM did not answer within \(limit / 1000) s", response: error.response)
                silence = (named, TPMDevice.now() + deadlines.command)
                throw named
            default: break
            }
            throw error
        }
    }

    private static func now() -> Int64 { Clock.nanoseconds() / 1_000_000 }

    private func open() throws(TPMError) -> TPMContext {
        if let context { return context }
        let tcti = try TCTI(configuration, interruption: termination?.descriptor ?? -1, deadlines: deadlines)
        let opened = try TPMContext(tcti, expectation)
        generation += 1
        context = opened
        return opened
    }
}

/// Commands that were repeated because the connection broke or an answer was altered: a line for the first one, and then for
/// all of an hour.
struct RepeatCount {
    private var number: Int64 = 0
    private var said: Int64?

    private static let interval: Int64 = 3_600_000

    /// Counts one at `now` milliseconds. Returns a line when it is time for one.
    mutating func count(_ reason: String, at now: Int64) -> String? {
        number += 1
        if let said, now - said < RepeatCount.interval { return nil }
        defer {
            number = 0
            said = now
        }
        guard number > 1 else { return "TPM: a command was repeated: \(reason)" }
        return "TPM: \(number) commands were repeated since the last line about it, the last one because \(reason)"
    }
}
