import CommandLine
import EntropyCrypto
import EntropyState
import Platform
import Provisioning
import TPM

/// Makes a key, in the TPM or in software, and writes its files.
func makeKey(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    let isSoftware = arguments.has(.software)
    if isSoftware {
        try arguments.allow([.software, .pem, .output, .bits, .algorithm, .force], with: "--software")
    } else {
        try arguments.allow(
            [.pem, .output, .bits, .algorithm, .authFile, .ownerAuthFile, .da, .persist, .record, .tcti, .force],
            with: "making a key")
    }
    let old = keyToReplace(arguments, base + ".key")
    let algorithm = try chosenAlgorithm(arguments, old)
    if isSoftware { return try makeSoftwareKey(algorithm, arguments, base, old) }
    try makeKeyInTPM(algorithm, arguments, base, old)
}

/// What is known of the key that --force replaces: the new one gets the same, unless the options say otherwise.
private func keyToReplace(_ arguments: Arguments<Flag>, _ path: String) -> SigningKey.Kinds? {
    guard arguments.has(.force), Path.exists(path) else { return nil }
    do throws(ProvisioningError) {
        return try SigningKey(reading: path, record: .none, warn: { _ in }).kinds
    } catch {
        say("\(error.message); nothing of it is kept")
        return nil
    }
}

private func sayWhatChanged(_ old: SigningKey.Kinds?, _ new: SigningKey.Kinds, _ path: String) {
    guard let old else { return }
    guard old != new else { return say("\(path) replaced a key of the same kind, \(new.text)") }
    say("\(path) replaced \(old.text); now it is \(new.text)")
}

private func chosenAlgorithm(
    _ arguments: Arguments<Flag>, _ old: SigningKey.Kinds?
) throws(Failure) -> KeyAlgorithm {
    if let old, !arguments.has(.algorithm), !arguments.has(.bits) { return old.algorithm }
    let name = try arguments.required(.algorithm)
    if Text.areEqual(name, "ecdsa") {
        guard !arguments.has(.bits) else { throw .usage("--bits is for RSA keys; P-256 has one size") }
        return .ecdsaP256
    }
    guard Text.areEqual(name, "rsa") else { throw .usage("--algorithm \(name): expected rsa or ecdsa") }
    return .rsa(bits: Int32(clamping: try arguments.integer(.bits, in: 2048...4096)))
}

private func makeSoftwareKey(
    _ algorithm: KeyAlgorithm, _ arguments: Arguments<Flag>, _ base: String, _ old: SigningKey.Kinds?
) throws(Failure) {
    let files = try attempt { () throws(StateError) in try KeyPairFiles(base: base, force: arguments.has(.force)) }
    let pem = arguments.has(.pem)
    let key = try attempt { () throws(ProvisioningError) in try NewSigningKey.makeSoftware(algorithm, pem: pem) }
    var privateFile = key.privateFile
    defer { wipe(&privateFile) }
    let publicFile = try attempt { () throws(CryptoError) in try key.publicKey.file(pem: pem) }
    try attempt { () throws(StateError) in try files.write(privateKey: privateFile, publicKey: publicFile) }
    say("wrote \(files.privatePath) and \(files.publicPath), \(algorithm.name)")
    sayWhatChanged(
        old, SigningKey.Kinds(algorithm: algorithm, isInTPM: false, hasPassword: false, isGuarded: false),
        files.privatePath)
    say("\(files.privatePath) is a software key: whoever copies the file can sign; use it for tests")
}

private func makeKeyInTPM(
    _ algorithm: KeyAlgorithm, _ arguments: Arguments<Flag>, _ base: String, _ old: SigningKey.Kinds?
) throws(Failure) {
    let (keyPath, publicPath) = (base + ".key", base + ".pub")
    let hasPassword = arguments.has(.authFile)
    guard hasPassword || !arguments.has(.da) else { throw .usage("--da guards a password: give --auth-file too") }
    if let old, old.hasPassword, !hasPassword {
        throw .usage(
            "\(keyPath) has a password: give its file by --auth-file, and the new key has it too; to make one without a "
                + "password, remove \(keyPath) first")
    }
    let isDAProtected = arguments.has(.da) || old.map { $0.hasPassword && $0.isGuarded } ?? false
    let handle = try persistentHandle(arguments)
    let recordPath = arguments[.record] ?? TPMRecord.path(besides: keyPath)
    if let authPath = arguments[.authFile] {
        for path in [keyPath, publicPath, recordPath] where Text.areEqual(path, authPath) {
            throw .usage("--auth-file \(authPath): the key's own files go there")
        }
    }
    // The record first: a key that is there shall have one.
    let files = try newFiles([recordPath, keyPath, publicPath], arguments)
    let device = try openDevice(arguments)
    try attempt { () throws(TPMError) in
        try device.requireSupport(algorithm)
        if let handle { try device.requireFree(handle) }
    }
    // Not before the TPM can do what is asked: a password without a key is only in the way.
    let authValue = try password(arguments, isDAProtected: isDAProtected)
    if isDAProtected {
        say(
            "the key is under dictionary-attack protection: a power cut while it is loaded counts as a failed try, and "
                + "after a few of them the TPM refuses the right password too")
    }
    say("making the key, \(algorithm.shortName), in the TPM at \(device.configuration); this may take a minute")
    let key = try attempt { () throws(ProvisioningError) in
        try NewSigningKey.make(algorithm, in: device, authValue: authValue, isDAProtected: isDAProtected)
    }
    guard let inTPM = key.tpm else { return }
    let publicFile = try attempt { () throws(CryptoError) in try key.publicKey.file(pem: arguments.has(.pem)) }
    try attempt { () throws(StateError) in
        try files.write([.open(inTPM.record.encode()), .secret(key.privateFile), .open(publicFile)])
    }
    say("wrote \(keyPath), \(publicPath) and \(recordPath), \(algorithm.name)")
    sayWhatChanged(
        old,
        SigningKey.Kinds(
            algorithm: algorithm, isInTPM: true, hasPassword: authValue != nil, isGuarded: isDAProtected), keyPath)
    say("the key's attributes: \(inTPM.attributes.text)")
    guard let handle else { return }
    // The files are there: a key that took a minute is not lost where this fails. Its slot is given back first.
    device.close()
    try attempt { () throws(TPMError) in try device.persist(inTPM.file, at: handle) }
    say("the key is also kept in the TPM: -k \(persistentName(handle)) --record \(recordPath)")
}

/// The key's password: what the file holds, or a new one. Nil where no file is named.
private func password(_ arguments: Arguments<Flag>, isDAProtected: Bool) throws(Failure) -> AuthValue? {
    guard let path = arguments[.authFile] else { return nil }
    guard Path.exists(path) else {
        let made = try attempt { () throws(ProvisioningError) in try AuthFile.make(path) }
        say("wrote \(path), a new password of \(made.count) random bytes")
        return made
    }
    let found = try attempt { () throws(ProvisioningError) in try AuthFile.read(path, warn: say) }
    guard found.count > 0 else { throw Failure(.badInput, "\(path): it is empty, which is no password") }
    if found.count < AuthValue.safeSize, !isDAProtected {
        say(
            "\(path): a password of \(found.count) bytes can be guessed, since no lockout stops it; at least "
                + "\(AuthValue.safeSize) random ones are meant (a missing file is made with \(AuthValue.maximumSize))")
    }
    return found
}

/// What --persist names.
func persistentHandle(_ arguments: Arguments<Flag>) throws(Failure) -> UInt32? {
    guard let text = arguments[.persist] else { return nil }
    guard let handle = TPMHandle.parse(text), TPMHandle.isOwners(handle) else {
        throw .usage("--persist \(text): expected a handle from 0x81000000 to 0x817fffff")
    }
    return handle
}

func persistentName(_ handle: UInt32) -> String { "\(TPMHandle.prefix.description)\(TPMHandle.text(handle))" }
