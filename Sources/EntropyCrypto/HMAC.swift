import COpenSSL

/// HMAC with SHA-256 (FIPS 198-1).
public enum HMAC {
    /// 32 bytes.
    public static func sha256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: SHA256.size)
        let result = COpenSSL.HMAC(
            EVP_sha256(), key, Int32(clamping: key.count), message, message.count, &digest, nil)
        precondition(result != nil, "this OpenSSL has no HMAC with SHA-256")
        return digest
    }
}
