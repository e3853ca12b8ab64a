import COpenSSL
import Platform

/// What a file is that was given as a signing key and is none: what to say of it, and what to do.
enum UnfitKeyFile {
    enum Wanted { case publicKey, privateKey }

    /// For a file that holds no such key, with its PEM block where it has one.
    static func message(_ file: [UInt8], _ pem: PEM?, wanted: Wanted) -> String {
        let kind = wanted == .publicKey ? "not a public key" : "not a private key"
        if let found = describe(file, pem, wanted) { return "\(kind): \(found)" }
        switch wanted {
        case .publicKey: return "\(kind): PKIX (SubjectPublicKeyInfo) is expected"
        case .privateKey: return "\(kind): PKCS#1, PKCS#8, SEC 1 or TSS2 PRIVATE KEY is expected"
        }
    }

    private static func describe(_ file: [UInt8], _ pem: PEM?, _ wanted: Wanted) -> String? {
        if file.isEmpty { return "the file is empty" }
        if let pem { return describe(pem, wanted) }
        if Text.begins(file[...], with: "ssh-") || Text.begins(file[...], with: "ecdsa-sha2-") {
            let cure = wanted == .publicKey ? "; in PKIX: ssh-keygen -e -m PKCS8 -f FILE" : ""
            return "this is an SSH public key\(cure)"
        }
        if Text.begins(file[...], with: "---- BEGIN SSH2") {
            return "this is an SSH public key (RFC 4716); in OpenSSH's form: ssh-keygen -i -f FILE"
        }
        if Text.begins(file[...], with: "-----BEGIN ") { return "a damaged PEM block, or one of another kind" }
        if file.count == 32 { return "32 bytes are a sink's key (decrypt.pub, decrypt.key), not a source's" }
        if (try? Certificate(startOf: file)) != nil { return certificate(form: " -inform DER") }
        switch wanted {
        case .privateKey: return PublicKey.holds(file) ? "this is a public key; \(privateHalf)" : nil
        case .publicKey: return SoftwareSigner.holds(file) ? "this is a private key; \(publicHalf)" : nil
        }
    }

    private static func describe(_ pem: PEM, _ wanted: Wanted) -> String? {
        func ends(_ words: String) -> Bool { Text.ends(pem.label, with: words) }
        if ends("CERTIFICATE") { return certificate(form: "") }
        if pem.has(label: "OPENSSH PRIVATE KEY"), wanted == .privateKey {
            return "this is OpenSSH's own form; for a copy of the file: ssh-keygen -p -m PKCS8 -f COPY"
        }
        if Text.begins(pem.label, with: "CURVE25519 ") {
            return "this is a sink's key (\(pem.label)), not a source's"
        }
        switch wanted {
        case .publicKey where ends("PRIVATE KEY"): return "this is a private key (\(pem.label)); \(publicHalf)"
        case .privateKey where ends("PUBLIC KEY"): return "this is a public key (\(pem.label)); \(privateHalf)"
        default: return ends(" KEY") ? nil : "a PEM block of another kind: \(pem.label)"
        }
    }

    private static let publicHalf = "its public half is expected, the .pub beside it"
    private static let privateHalf = "its private half is expected, the .key beside it"

    private static func certificate(form: String) -> String {
        "this is a certificate; its public key: openssl x509\(form) -in FILE -noout -pubkey"
    }
}
