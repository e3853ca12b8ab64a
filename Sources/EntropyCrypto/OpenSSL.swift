import COpenSSL

/// The one gate for what OpenSSL returns. Its error queue is emptied on every failure, so that no later call finds it.
enum OpenSSL {
    /// Refuses any `result` but a positive one.
    static func check(_ result: Int32, _ function: StaticString) throws(CryptoError) {
        guard result > 0 else { throw failure(function) }
    }

    /// Refuses a null pointer.
    static func require(_ pointer: OpaquePointer?, _ function: StaticString) throws(CryptoError) -> OpaquePointer {
        guard let pointer else { throw failure(function) }
        return pointer
    }

    static func failure(_ function: StaticString) -> CryptoError {
        let code = ERR_get_error()
        ERR_clear_error()
        var text = "no reason given"
        if code != 0, let reason = ERR_reason_error_string(code) { text = String(cString: reason) }
        return CryptoError(.openSSL, "OpenSSL: \(function.description): \(text)")
    }
}
