import CommandLine
import EntropyCrypto
import EntropyState
import Platform
import Provisioning
import TPM

/// On the board: shows the TPM to a verifier, or answers its challenge.
func attest(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    try arguments.allow(
        [.attest, .challenge, .key, .record, .authFile, .parentAuthFile, .ownerAuthFile, .output, .tcti, .force],
        with: "--attest")
    let device = try openDevice(arguments)
    guard let challengePath = arguments[.challenge] else {
        try arguments.allow(
            [.attest, .output, .ownerAuthFile, .tcti, .force], with: "--attest without --challenge: no key is looked at"
        )
        let path = base + ".identity.json"
        let file = try newFiles([path], arguments)
        say("deriving the attestation key in the TPM at \(device.configuration)")
        let identity = try attempt { () throws(TPMError) in try device.identity() }
        try attempt { () throws(StateError) in try file.write([.open(identity.encode())]) }
        return say("wrote \(path), for the verifier: rsagen --make-challenge \(Path.name(of: path)) --ca FILE")
    }
    let challenge = try attempt { () throws(StateError) in try Credential(reading: challengePath) }
    let key = try attempt { () throws(ProvisioningError) in
        try SigningKey(
            reading: arguments[.key] ?? base + ".key", record: .init(arguments[.record]),
            authFile: arguments[.authFile],
            warn: say)
    }
    let path = base + ".attestation.json"
    let file = try newFiles([path], arguments)
    say("answering the challenge with the TPM at \(device.configuration); this may take a minute")
    let proof = try attempt { () throws(ProvisioningError) in try key.prove(challenge, from: challengePath, in: device)
    }
    try attempt { () throws(StateError) in try file.write([.open(proof.encode())]) }
    say("wrote \(path), for the verifier: rsagen --verify-attestation \(Path.name(of: path)) --ca FILE")
}

/// At the verifier: judges what the board showed, and challenges its TPM.
func makeChallenge(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    try arguments.allow([.makeChallenge, .ca, .output, .force], with: "--make-challenge")
    let path = try arguments.required(.makeChallenge)
    let authorities = try readAuthorities(arguments)
    let identity = try attempt { () throws(StateError) in try TPMIdentity(reading: path) }
    let (challengePath, noncePath) = (base + ".challenge.json", base + ".nonce.json")
    let files = try newFiles([noncePath, challengePath], arguments)
    let challenge: Challenge
    do throws(ProvisioningError) {
        challenge = try Challenge(for: identity, authorities: authorities, report: say)
    } catch {
        throw Failure(error.exitCode, "NOT proved: \(error.message)")
    }
    try attempt { () throws(StateError) in
        try files.write([.secret(challenge.secret.encode()), .open(challenge.credential.encode())])
    }
    say("wrote \(challengePath), for the board: rsagen --attest --challenge \(Path.name(of: challengePath))")
    say("wrote \(noncePath), for this verifier alone")
}

/// At the verifier: follows the chain from the TPM's maker to the signing key.
func verifyAttestation(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    try arguments.allow([.verify, .nonce, .ca, .signer, .output], with: "--verify-attestation")
    let path = try arguments.required(.verify)
    let authorities = try readAuthorities(arguments)
    let noncePath = arguments[.nonce] ?? base + ".nonce.json"
    let signerPath = arguments[.signer] ?? base + ".pub"
    let (proof, secret, signer) = try attempt { () throws(StateError) in
        (
            try Proof(reading: path), try ChallengeSecret(reading: noncePath, warn: say), try PublicKey.read(signerPath)
        )
    }
    do throws(AttestationError) {
        try proof.verify(secret, authorities: authorities, expected: signer) { Terminal.say(Flag.program.name, $0) }
    } catch {
        throw Failure(error.exitCode, "NOT proved: \(error.message)")
    }
    try Terminal.output("proved: \(signerPath) is a key that was made in the challenged TPM and cannot leave it")
}

private func readAuthorities(_ arguments: Arguments<Flag>) throws(Failure) -> CertificateAuthorities {
    let path = try arguments.required(.ca)
    return try attempt { () throws(StateError) in try CertificateAuthorities.read(path) }
}
