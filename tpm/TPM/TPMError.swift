import Platform

/// What went wrong with the TPM or with a key of it, and what to do about it.
public struct TPMError: Diagnostic {
    public enum Code: Sendable, Equatable {
        /// No such device, or no simulator at that address.
        case noDevice
        /// This user may not open the device.
        case permission
        /// A TPM 1.2, which cannot serve.
        case tpm12
        /// The connection to the TPM, or what was loaded through it, is gone: open it again.
        case contextLost
        /// The TPM is busy and asks for a later try.
        case retry
        /// The TPM did not answer within the deadline.
        case silent
        /// The program was asked to end while it waited for the TPM.
        case interrupted
        /// The path of a device that leads to something else.
        case notADevice
        /// Dictionary-attack lockout.
        case lockout
        /// A password that is not the key's, or that it has and we lack.
        case wrongAuthorization
        /// The same of the key's parent.
        case parentAuthorization
        /// The same of the hierarchy of the TPM's owner, or another one.
        case hierarchyAuthorization
        /// Nothing is kept at that persistent handle.
        case noSuchHandle
        /// Something is kept at that persistent handle already.
        case handleTaken
        /// The key, or what was recorded of its TPM, belongs to another one, or this one was cleared.
        case foreignKey
        /// An algorithm or size that this TPM lacks.
        case unsupported
        /// Not a key file of the TSS2 PRIVATE KEY format.
        case badKeyFile
        /// Bytes that are not the TPM structure they should be.
        case badStructure
        /// A key file with a kind of key that cannot sign packets.
        case unusableKey
        /// Any other refusal.
        case refused
    }

    public let code: Code
    public let message: String
    /// The response code of tpm2-tss, 0 where the error is not its.
    public let response: UInt32

    init(_ code: Code, _ message: String, response: UInt32 = 0) {
        self.code = code
        self.message = message
        self.response = response
    }

    public var exitCode: ExitCode {
        switch code {
        case .wrongAuthorization, .parentAuthorization, .hierarchyAuthorization: .permission
        case .badKeyFile, .badStructure, .unusableKey, .foreignKey, .notADevice: .badInput
        // What a device may be used for changes when udev comes to it: a service tries again.
        case .noDevice, .permission, .tpm12, .contextLost, .retry, .silent, .lockout, .refused: .unavailable
        case .noSuchHandle: .missingInput
        case .handleTaken: .cannotCreate
        case .unsupported, .interrupted: .failed
        }
    }
}
