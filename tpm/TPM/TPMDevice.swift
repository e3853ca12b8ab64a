import Platform

/// One TPM, opened when it is needed and opened anew when its connection broke.
public final class TPMDevice {
    /// What the TCTI loader is told, such as `device:/dev/tpmrm0` or `swtpm:path=/run/swtpm.sock`.
    public let configuration: String
    private var context: TPMContext?
    private var requiredPrimary: [UInt8]?
    /// Counts the openings: what was loaded by an earlier context is gone.
    private var generation = 0

    /// Milliseconds before a command that the TPM was too busy for is sent again.
    private static let retryDelay: Int64 = 500

    public init(_ configuration: String) { self.configuration = configuration }

    /// True for a TPM that is a program: of those ways to a TPM only simulators can be at the other end.
    public var isSimulated: Bool {
        ["swtpm", "mssim", "libtpms"].contains { Text.begins(configuration, with: $0) }
    }

    /// The TPM that the options name: `given`, else TPM2TOOLS_TCTI, else the board's device. Never the loader's own
    /// search, which can silently find a simulator.
    public convenience init(named given: String?) {
        self.init(given ?? Process.environment("TPM2TOOLS_TCTI") ?? TCTI.standard)
    }

    /// From now on every opening fails unless the primary of the owner hierarchy has this Name: only then does the session
    /// that is salted to it protect what crosses the bus.
    public func requirePrimary(named name: [UInt8]) {
        requiredPrimary = name
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
    /// anew and tries once more; when the TPM is busy, once more after half a second.
    func perform<R>(_ body: (TPMContext, Int) throws(TPMError) -> R) throws(TPMError) -> R {
        do throws(TPMError) {
            return try body(try open(), generation)
        } catch {
            switch error.code {
            case .contextLost: close()
            case .retry: Process.sleep(milliseconds: TPMDevice.retryDelay)
            default: throw error
            }
        }
        return try body(try open(), generation)
    }

    private func open() throws(TPMError) -> TPMContext {
        if let context { return context }
        let opened = try TPMContext(configuration, primaryName: requiredPrimary)
        generation += 1
        context = opened
        return opened
    }
}
