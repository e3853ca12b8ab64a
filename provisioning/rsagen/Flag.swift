import CommandLine

enum Flag: Int, OptionTable {
    case pem, output, bits, algorithm, authFile, parentAuthFile, ownerAuthFile, da, persist, key, record, inspect, json,
        attest, challenge,
        makeChallenge, verify, nonce, ca, signer, tcti, software, force

    var option: Option {
        switch self {
        case .pem: Option("a", "pem", nil, "write BASE.pub, and a software key, in PEM instead of DER")
        case .output:
            Option("o", "output", "BASE", "write BASE.key, BASE.pub and BASE.tpm.json", default: "signer")
        case .bits: Option("s", "bits", "BITS", "the size of an RSA key, 2048 to 4096", default: "2048")
        case .algorithm: Option(nil, "algorithm", "NAME", "rsa, or ecdsa for P-256 and smaller packets", default: "rsa")
        case .authFile:
            Option(nil, "auth-file", "FILE", "the key's password; made at random when the file is missing")
        case .parentAuthFile:
            Option(nil, "parent-auth-file", "FILE", "the password of the key's parent, where the TPM keeps that")
        case .ownerAuthFile:
            Option(nil, "owner-auth-file", "FILE", "the password of the TPM's owner, where it is needed")
        case .da: Option(nil, "da", nil, "have wrong passwords, and power cuts, count towards the TPM's lockout")
        case .persist: Option(nil, "persist", "HANDLE", "keep the key in the TPM itself too, at 0x81......")
        case .key:
            Option(
                nil, "key", "KEY", "use this key, a file or handle:0x81......; alone: write its public half to BASE.pub"
            )
        case .record:
            Option(
                nil, "record", "FILE",
                "what is known of the key's TPM (default BASE.tpm.json); with --key alone: write it")
        case .inspect: Option(nil, "inspect", nil, "say what can be known of --key (default BASE.key) and its TPM")
        case .json: Option(nil, "json", nil, "with --inspect: one JSON object instead of lines")
        case .attest:
            Option(nil, "attest", nil, "write what shows this TPM to a verifier; with --challenge: the proof")
        case .challenge: Option(nil, "challenge", "FILE", "with --attest: the verifier's challenge to answer")
        case .makeChallenge:
            Option(nil, "make-challenge", "FILE", "for a verifier: challenge the TPM that showed itself in this file")
        case .verify: Option(nil, "verify-attestation", "FILE", "for a verifier: check a proof; needs no TPM")
        case .nonce: Option(nil, "nonce", "FILE", "what --make-challenge kept (default BASE.nonce.json)")
        case .ca: Option(nil, "ca", "FILE", "certificates in PEM of those who are trusted to certify TPMs")
        case .signer:
            Option(nil, "signer", "FILE", "the public key that the proof must be about (default BASE.pub)")
        case .tcti: Option(nil, "tcti", "CONF", "the TPM (default $TPM2TOOLS_TCTI, else device:/dev/tpmrm0)")
        case .software: Option(nil, "software", nil, "make a key without a TPM, for testing")
        case .force:
            Option(nil, "force", nil, "replace the files if they exist; a key keeps algorithm, password and protection")
        }
    }

    static let program = Program(
        "rsagen", "Makes a source's signing key inside a TPM 2.0 and exports its public half for the sinks.",
        notes: """
            BASE.key is a TSS2 PRIVATE KEY that only this TPM can use, BASE.pub the public key in PKIX, BASE.tpm.json what a
            source checks of the TPM at each start. Nothing is overwritten without --force. Making an RSA key may take a
            minute on hardware.
            A proof that the key lives in a TPM takes four steps: on the board --attest, at the verifier --make-challenge
            and --ca, on the board --attest and --challenge, at the verifier --verify-attestation and --ca.
            """)
}

func say(_ line: String) { Terminal.say(Flag.program.name, line) }
