import EntropyCrypto

// SHA-256 of SHA-256, the hash of Fortuna: it has no length extension.
extension SecretHashes {
    /// Writes SHAd-256 of what the hash was given into `digest`, which has 32 bytes; afterwards it is without input again.
    mutating func finishTwice(_ place: Int, into digest: inout SecretBytes) {
        finish(place, into: &digest)
        update(place, digest)
        finish(place, into: &digest)
    }
}
