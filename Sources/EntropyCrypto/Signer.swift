import Platform

/// Whatever signs packets: a key inside a TPM, or in a file.
public protocol Signer: AnyObject {
    var publicKey: PublicKey { get }

    /// The signature over SHA-256 of `message`: RSASSA-PSS of the modulus' length, or a DER ECDSA-Sig-Value. It was
    /// verified with `publicKey` before it is returned, since a faulty RSA signature can disclose the key.
    func sign(_ message: [UInt8]) throws(SignerError) -> [UInt8]

    /// Signs one message after the other, until `next` gives none. `take` gets each back, in the same order, with its signature
    /// or why there is none; a device that computes for itself has been given the message after it by then, so that nobody waits
    /// for what `take` does, which must not use that device. Nobody else has the message then: who wipes it there wipes it.
    func sign(each next: () -> [UInt8]?, take: (inout [UInt8], Result<[UInt8], SignerError>) -> Void)
}

extension Signer {
    /// For those who compute here.
    public func sign(each next: () -> [UInt8]?, take: (inout [UInt8], Result<[UInt8], SignerError>) -> Void) {
        while var message = next() {
            let signed = Result { () throws(SignerError) in try sign(message) }
            take(&message, signed)
        }
    }
}

/// Why a signer gave no signature.
public struct SignerError: Diagnostic {
    public enum Code: Sendable, Equatable {
        /// The device does not answer now; a later try may succeed.
        case unavailable
        /// The key has a password that is not given, or another one.
        case unauthorized
        /// The device or library refused.
        case refused
        /// What came back is not a signature of this key over this message. It was thrown away.
        case wrongSignature
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var exitCode: ExitCode {
        switch code {
        case .unavailable: .unavailable
        case .unauthorized: .permission
        case .refused, .wrongSignature: .failed
        }
    }
}
