import CTSS2
import DER
import EntropyCrypto
import Platform

/// A key that one TPM can load: PEM `TSS2 PRIVATE KEY`, the format of tpm2-openssl, go-tpm-keyfiles and others ("TPM 2.0
/// key files", ASN.1 in its section 3.1). The private part is wrapped by the TPM: the file is of no use elsewhere.
public struct TPMKeyFile: Sendable {
    public static let label: StaticString = "TSS2 PRIVATE KEY"
    /// The owner hierarchy: its primary is derived on demand.
    public static let ownerHierarchy: UInt32 = 0x4000_0001

    /// True when the key has no password; nil where the file does not say, as other programs write it for both.
    public let emptyAuth: Bool?
    /// A hierarchy, whose primary is the parent, or a persistent key.
    public let parent: UInt32
    /// The primary of the hierarchy is an RSA key.
    public let isRSAParent: Bool
    /// A marshalled TPM2B_PUBLIC.
    public let publicPart: [UInt8]
    /// A marshalled TPM2B_PRIVATE.
    public let privatePart: [UInt8]

    private static let loadableKey: [UInt8] = [0x67, 0x81, 0x05, 0x0a, 0x01, 0x03]  // 2.23.133.10.1.3
    private static let importableKey: [UInt8] = [0x67, 0x81, 0x05, 0x0a, 0x01, 0x04]  // 2.23.133.10.1.4
    private static let sealedData: [UInt8] = [0x67, 0x81, 0x05, 0x0a, 0x01, 0x05]  // 2.23.133.10.1.5

    /// True where the parent is the primary of the owner hierarchy. tpm2-openssl takes 0 for that too.
    var isUnderOwner: Bool { parent == TPMKeyFile.ownerHierarchy || parent == 0 }

    /// The parent, where it is kept in the TPM.
    var persistentParent: UInt32? { TPMHandle.persistent.contains(parent) ? parent : nil }

    init(emptyAuth: Bool?, parent: UInt32, isRSAParent: Bool = false, publicPart: [UInt8], privatePart: [UInt8]) {
        self.emptyAuth = emptyAuth
        self.parent = parent
        self.isRSAParent = isRSAParent
        self.publicPart = publicPart
        self.privatePart = privatePart
    }

    /// True for a file that is to be read here, not by SoftwareSigner: by its PEM label, or in DER by its object
    /// identifier.
    public static func matches(_ file: [UInt8]) -> Bool { (try? der(of: file)) != nil }

    /// Reads a file, PEM or DER. Sealed data, importable keys and policies are refused by name.
    public init(decoding file: [UInt8]) throws(TPMError) {
        let der = try TPMKeyFile.der(of: file)
        let fields: Fields
        do throws(DERError) {
            fields = try Fields(decoding: der)
        } catch {
            throw TPMError(.badKeyFile, "the TSS2 PRIVATE KEY is damaged")
        }
        switch fields.type {
        case TPMKeyFile.loadableKey: break
        case TPMKeyFile.importableKey: throw TPMError(.unusableKey, "this is an importable key, which is not supported")
        case TPMKeyFile.sealedData: throw TPMError(.unusableKey, "this is sealed data, not a key")
        default: throw TPMError(.unusableKey, "this is a kind of TSS2 PRIVATE KEY that is not known here")
        }
        guard !fields.hasPolicy else { throw TPMError(.unusableKey, "this key has a policy, which is not supported") }
        // tpm2-openssl writes a key of a handle as a file in whose private part a few bytes of the handle stand. A real one begins
        // with a digest.
        guard !fields.isWithoutPrivatePart else {
            throw TPMError(
                .unusableKey,
                "this file holds no private part: it was written from a key that the TPM keeps at a handle; name that, as in "
                    + "-k handle:0x81000010")
        }
        self.init(
            emptyAuth: fields.emptyAuth, parent: fields.parent, isRSAParent: fields.isRSAParent,
            publicPart: fields.publicPart,
            privatePart: fields.privatePart)
    }

    private static func der(of file: [UInt8]) throws(TPMError) -> [UInt8] {
        let pem: PEM?
        do throws(CryptoError) { pem = try PEM.decode(file, .secret) } catch {
            throw TPMError(.badKeyFile, error.message)
        }
        if let pem, pem.has(label: label) { return pem.der }
        var outer = DERReader(file)
        guard pem == nil, var key = try? outer.readConstructed(), let type = try? key.read(DERTag.objectIdentifier),
            type.starts(with: loadableKey.dropLast())
        else { throw TPMError(.badKeyFile, "a TSS2 PRIVATE KEY is expected") }
        return file
    }

    /// The ASN.1 structure as it stands, before it is judged.
    private struct Fields {
        var type: [UInt8]
        var emptyAuth: Bool?
        var hasPolicy = false
        var isRSAParent = false
        var parent: UInt32
        var publicPart: [UInt8]
        var privatePart: [UInt8]

        /// A TPM2B_PRIVATE, size (2) and bytes, with nothing but zeros after the first two of its bytes.
        var isWithoutPrivatePart: Bool {
            guard privatePart.count >= 2 else { return false }
            return Int(privatePart[0]) << 8 | Int(privatePart[1]) == privatePart.count - 2
                && privatePart.dropFirst(4).allSatisfy { $0 == 0 }
        }

        init(decoding der: [UInt8]) throws(DERError) {
            var outer = DERReader(der)
            var key = try outer.readConstructed()
            try outer.finish()
            type = Array(try key.read(DERTag.objectIdentifier))
            // [0] emptyAuth, [1] policy, [2] secret, [3] authPolicy, [4] description, [5] rsaParent, and whatever a
            // later version adds.
            while let tag = key.nextTag, tag & 0xe0 == 0xa0 {
                if tag == DERTag.constructed(0) || tag == DERTag.constructed(5) {
                    var option = try key.readConstructed(tag)
                    // tpm2-openssl writes TRUE as 0x01, which is BER; every other value but 0 means the same.
                    let value = try option.read(DERTag.boolean)
                    guard value.count == 1 else { throw .badValue }
                    if tag == DERTag.constructed(0) {
                        emptyAuth = value.first != 0
                    } else {
                        isRSAParent = value.first != 0
                    }
                    try option.finish()
                } else {
                    if tag == DERTag.constructed(1) || tag == DERTag.constructed(3) { hasPolicy = true }
                    try key.skip()
                }
            }
            let number = try key.readInteger()
            // tpm2-openssl on a 32-bit machine writes persistent parents as negative numbers.
            guard let handle = UInt32(exactly: number) ?? Int32(exactly: number).map({ UInt32(bitPattern: $0) }) else {
                throw .badInteger
            }
            parent = handle
            publicPart = Array(try key.read(DERTag.octetString))
            privatePart = Array(try key.read(DERTag.octetString))
            try key.finish()
        }
    }

    /// The PEM file, with exactly the fields that tpm2-openssl 1.1.1 reads, unless the parent is RSA.
    public func encode() throws(CryptoError) -> [UInt8] {
        var writer = DERWriter()
        writer.writeConstructed { key in
            key.write(DERTag.objectIdentifier, TPMKeyFile.loadableKey)
            // Always there, since tpm2-openssl takes its absence for TRUE.
            if let emptyAuth { key.writeConstructed(DERTag.constructed(0)) { $0.writeBoolean(emptyAuth) } }
            if isRSAParent { key.writeConstructed(DERTag.constructed(5)) { $0.writeBoolean(true) } }
            key.writeInteger(Int64(parent))
            key.write(DERTag.octetString, publicPart)
            key.write(DERTag.octetString, privatePart)
        }
        return try PEM(label: TPMKeyFile.label.description, der: writer.bytes).encode()
    }
}
