import EntropyCrypto

extension TPMDevice {
    /// Makes a signing key inside the TPM, under the owner hierarchy, without a password. May take over 30 s. Asks the
    /// TPM first whether it has such keys: the error lists what it has.
    public func makeSigningKey(_ algorithm: KeyAlgorithm) throws(TPMError) -> TPMKeyFile {
        try perform { (context, _) throws(TPMError) in
            guard try context.supports(algorithm) else { throw try TPMDevice.unsupported(algorithm, context) }
            let primary = try context.createPrimary()
            defer { context.flush(primary) }
            let key = try context.create(algorithm, under: primary)
            return TPMKeyFile(
                emptyAuth: true, parent: TPMKeyFile.ownerHierarchy, publicPart: key.public, privatePart: key.private)
        }
    }

    private static func unsupported(_ algorithm: KeyAlgorithm, _ context: TPMContext) throws(TPMError) -> TPMError {
        var list = ""
        for each in [KeyAlgorithm.rsa(bits: 2048), .rsa(bits: 3072), .rsa(bits: 4096), .ecdsaP256] {
            guard try context.supports(each) else { continue }
            list += list.isEmpty ? each.shortName : ", \(each.shortName)"
        }
        return TPMError(
            .unsupported, "this TPM makes no \(algorithm.shortName) keys; it makes \(list.isEmpty ? "none" : list)")
    }
}
