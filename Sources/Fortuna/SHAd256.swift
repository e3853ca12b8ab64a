import EntropyCrypto

/// SHA-256 of SHA-256, the hash of Fortuna: it has no length extension.
func shad256(_ bytes: [UInt8]) -> [UInt8] { SHA256.hash(SHA256.hash(bytes)) }
