import COpenSSL

/// The mark of RSA keys that Infineon's library made until 2017, in TPMs such as the SLB 9670 with firmware before 7.63: from
/// the public half alone the private one can be computed (ROCA, CVE-2017-15361; Nemec and others, "The Return of
/// Coppersmith's Attack", section 2.2).
enum WeakModulus {
    /// Such a modulus is a power of 65537 modulo each of these; another one is for all of them with a chance below 2⁻²⁷.
    private static let primes: [UInt32] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
        113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ]

    static func matches(_ key: OpaquePointer) -> Bool {
        var modulus: OpaquePointer?  // <BIGNUM>, owned
        guard EVP_PKEY_get_bn_param(key, "n", &modulus) == 1, let modulus else { return false }
        defer { BN_free(modulus) }
        return primes.allSatisfy { isPower(openssl_residue(modulus, $0), modulo: $0) }
    }

    private static func isPower(_ residue: UInt32, modulo prime: UInt32) -> Bool {
        var power: UInt32 = 1
        for _ in 0..<prime {
            if power == residue { return true }
            power = power * (65537 % prime) % prime
        }
        return false
    }
}
