import EntropyCrypto
import EntropyState
import Platform
import TPM

/// A signing key where it is kept. What is found there decides who signs: a `TSS2 PRIVATE KEY` or a handle means the TPM,
/// PKCS#1 or PKCS#8 means this process.
public struct SigningKey {
    enum Kind {
        case tpm(TPMKeyLocation, Credentials)
        case software(SoftwareSigner)
    }

    /// What goes with a TPM's key. Shared: a public area is a thousand bytes, in the program too wherever it is copied.
    final class Credentials: Sendable {
        let authValue: AuthValue?
        /// What version 2.0 took for the password, where that is not the same.
        let earlierAuthValue: AuthValue?
        let record: TPMRecord?
        /// Where the record is, or would be; nil for a handle for which none was named.
        let recordPath: String?
        /// What the key's file says of it; nil for a handle. Kept, since judging the numbers of an RSA key takes long.
        let area: TPMPublicArea?

        init(auth: AuthFile.Contents?, record: TPMRecord?, recordPath: String?, area: TPMPublicArea?) {
            authValue = auth?.password
            earlierAuthValue = auth?.earlier
            self.record = record
            self.recordPath = recordPath
            self.area = area
        }
    }

    let kind: Kind
    /// As it was given: a path, or `handle:` and a persistent handle.
    public let place: String

    /// Where the record of a key's TPM is.
    public enum RecordPlace {
        /// Beside the key file, where there is one.
        case beside
        case file(String)
        /// Nowhere: it is to be made.
        case none

        /// What an option says: the file that it names, or else beside the key.
        public init(_ path: String?) { self = path.map { .file($0) } ?? .beside }
    }

    /// Reads and judges the files; needs no TPM. `warn` gets a line when others may read a secret.
    public init(
        reading place: String, record: RecordPlace = .beside, authFile: String? = nil, warn: (String) -> Void
    ) throws(ProvisioningError) {
        self.place = place
        if Text.begins(place, with: TPMHandle.prefix.description) {
            let text = String(decoding: place.utf8.dropFirst(TPMHandle.prefix.utf8CodeUnitCount), as: UTF8.self)
            guard let handle = TPMHandle.parse(text) else { throw .badHandle(place) }
            kind = .tpm(
                .handle(handle),
                try SigningKey.credentials(record, besides: nil, area: nil, authFile, isOpen: false, warn))
            return
        }
        var exposed: String?
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(place, limit: PublicKey.maximumFileSize, secret: true) { exposed = $0 }
        } catch {
            throw .file(.file(error))
        }
        defer { wipe(&bytes) }
        if TPMKeyFile.matches(bytes) {
            let file: TPMKeyFile
            let area: TPMPublicArea
            do throws(TPMError) {
                file = try TPMKeyFile(decoding: bytes)
                area = try TPMPublicArea(unmarshalling: file.publicPart)
            } catch {
                throw .tpm(file: place, error)
            }
            let location = TPMKeyLocation.file(file)
            kind = .tpm(
                location,
                try SigningKey.credentials(
                    record, besides: place, area: area, authFile, isOpen: location.isSaidToBeOpen, warn))
            return
        }
        do throws(CryptoError) {
            kind = .software(try SoftwareSigner(bytes))
        } catch {
            throw .key(file: place, error)
        }
        // A TPM's key file is of no use to whoever copies it: only a software key is a secret.
        if let exposed { warn(exposed) }
        if case .file = record { throw .softwareKey(place) }
        guard authFile == nil else { throw .softwareKey(place) }
    }

    private static func credentials(
        _ place: RecordPlace, besides key: String?, area: TPMPublicArea?, _ authFile: String?, isOpen: Bool,
        _ warn: (String) -> Void
    ) throws(ProvisioningError) -> Credentials {
        var auth: AuthFile.Contents?
        // A password that came along unasked is for a key that may need one.
        if let authFile = authFile ?? (isOpen ? nil : ServiceManager.credential(AuthFile.credential)) {
            auth = try AuthFile.contents(authFile, warn: warn)
        }
        var record: TPMRecord?
        var path: String?
        do throws(StateError) {
            switch place {
            case .file(let named):
                path = named
                record = try TPMRecord(reading: named)
            case .beside:
                path = key.map { TPMRecord.path(besides: $0) }
                if let path { record = try TPMRecord.find(path) }
            case .none: break
            }
        } catch {
            throw .file(error)
        }
        return Credentials(auth: auth, record: record, recordPath: path, area: area)
    }

    public var isInTPM: Bool {
        if case .tpm = kind { true } else { false }
    }

    /// The public half: a file holds it, for a handle the TPM in `device` is asked.
    public func publicKey(_ device: TPMDevice) throws(ProvisioningError) -> PublicKey {
        switch kind {
        case .software(let signer): return signer.publicKey
        case .tpm: return try publicArea(device).publicKey
        }
    }

    /// The public area, which must be the recorded key's where there is a record.
    func publicArea(_ device: TPMDevice) throws(ProvisioningError) -> TPMPublicArea {
        guard case .tpm(let location, let credentials) = kind else { throw .softwareKey(place) }
        let area: TPMPublicArea
        if let known = credentials.area {
            area = known
        } else {
            area = try attempt { () throws(TPMError) in try device.publicArea(of: location) }
        }
        if let record = credentials.record, let path = credentials.recordPath, record.keyName != area.name {
            throw .record(file: path, "it is the record of another key than \(place)")
        }
        return area
    }

    /// The signer: loads a TPM key in `device`, which must be the TPM that made it and the one that the record names.
    /// `warn` gets a line when nothing is recorded.
    public func signer(_ device: TPMDevice, warn: (String) -> Void) throws(ProvisioningError) -> any Signer {
        switch kind {
        case .software(let signer): return signer
        case .tpm: return try tpmSigner(device, warn: warn)
        }
    }

    func tpmSigner(_ device: TPMDevice, warn: (String) -> Void) throws(ProvisioningError) -> TPMSigner {
        guard case .tpm(let location, let credentials) = kind else { throw .softwareKey(place) }
        device.expect(location, primaryName: credentials.record?.primaryName)
        if credentials.record != nil {
            // First of all: what another TPM says of its keys is of no interest. A file's key needs no asking.
            if location.isPersistent { _ = try attempt { () throws(TPMError) in try device.primaryName() } }
        } else {
            warn(
                "\(place): nothing is recorded of its TPM: whether what answers is that TPM is not checked; "
                    + "`rsagen --key \(place) --record FILE` writes a record")
        }
        let area = try publicArea(device)
        let signer = try attempt { () throws(TPMError) in
            try TPMSigner(location, area, authValue: try credentials.password(location, area, device), in: device)
        }
        // Where nobody says that there is none, a password may be missing or wrong: better told now than with a packet.
        if credentials.authValue != nil || !location.isSaidToBeOpen {
            try attempt { () throws(TPMError) in try signer.checkPassword() }
        }
        return signer
    }

    private func attempt<R>(_ body: () throws(TPMError) -> R) throws(ProvisioningError) -> R {
        do throws(TPMError) { return try body() } catch { throw .tpm(file: place, error) }
    }
}

extension SigningKey.Credentials {
    /// The key's password. Where version 2.0 took another one from the same file, both are tried, but only where a wrong try
    /// does not count.
    func password(
        _ location: TPMKeyLocation, _ area: TPMPublicArea, _ device: TPMDevice
    ) throws(TPMError) -> AuthValue? {
        guard let earlier = earlierAuthValue, !area.isUnderDictionaryAttackProtection else { return authValue }
        // What was loaded for a try leaves the TPM.
        defer { device.close() }
        do throws(TPMError) {
            try TPMSigner(location, area, authValue: authValue, in: device).checkPassword()
            return authValue
        } catch {
            guard error.code == .wrongAuthorization else { throw error }
        }
        device.close()
        do throws(TPMError) {
            try TPMSigner(location, area, authValue: earlier, in: device).checkPassword()
            return earlier
        } catch {
            // The message is about the password that is meant now.
            return authValue
        }
    }
}
