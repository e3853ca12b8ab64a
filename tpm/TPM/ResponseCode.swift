import CTSS2

/// The one gate for what tpm2-tss returns (TPM 2.0 Library, Part 2, 6.6; TSS 2.0 Overview, response codes).
enum ResponseCode {
    /// Whose password a command needs.
    enum Authorization {
        case none
        case key
        /// A key's parent, at this handle.
        case parent(UInt32)
        case owner
        /// Another hierarchy.
        case hierarchy(StaticString)
    }

    /// Refuses every code but success.
    static func check(
        _ response: TSS2_RC, _ function: StaticString, authorizedBy authorization: Authorization = .none
    ) throws(TPMError) {
        guard response != TSS2_RC_SUCCESS else { return }
        throw error(response, function, authorization)
    }

    /// What a code means for the one who has to act on it.
    static func error(
        _ response: TSS2_RC, _ function: StaticString, _ authorization: Authorization = .none
    ) -> TPMError {
        func make(_ code: TPMError.Code, _ advice: String) -> TPMError {
            TPMError(code, "\(advice) [\(source(response, function))]", response: response)
        }
        switch response {
        case TSS2_RC(TPM_LINE_SILENT), TSS2_RC(TPM_LINE_SILENT_MAKING):
            return TPMError(.silent, "the TPM did not answer in time", response: response)
        case TSS2_RC(TPM_LINE_INTERRUPTED):
            return TPMError(
                .interrupted, "interrupted: the program was asked to end while it waited for the TPM",
                response: response)
        default: break
        }
        // A layer above 0 is not the TPM speaking: 10 is the transmission interface, 7 and 8 the libraries over it.
        // The resource manager (11, 12) repeats the TPM's own codes.
        let layer = response >> 16 & 0xff
        if layer == 10 || (layer == 7 && response & 0xffff == TSS2_BASE_RC_BAD_SEQUENCE) {
            return make(.contextLost, "the connection to the TPM is broken")
        }
        // What came back is not what the TPM sent: noise on the bus, or someone who alters it. The two sides no longer agree
        // on the session, so that only another one helps.
        let base = response & 0xffff
        if (7...9).contains(layer), base == TSS2_BASE_RC_RSP_AUTH_FAILED || base == TSS2_BASE_RC_MALFORMED_RESPONSE {
            return make(.contextLost, "an answer of the TPM was altered on its way")
        }
        guard layer == 0 || layer >= 11 else { return make(.refused, "the TPM library failed") }
        if response & 0x80 == 0 {
            switch response & 0xfff {
            case 0x921:
                return make(
                    .lockout, "the TPM is in lockout (the password may be right: power cuts count as failed tries)")
            case 0x908, 0x909, 0x90a, 0x920, 0x922, 0x923: return make(.retry, "the TPM is busy")
            case 0x902...0x905:
                return make(
                    .refused,
                    "the TPM has no free slot: a program that was killed, or still runs, keeps its objects or sessions "
                        + "loaded; device:/dev/tpmrm0 takes care of that, `tpm2_flushcontext -t` and `-l` free all of them"
                )
            case 0x101: return make(.refused, "the TPM is in failure mode: only a reset or a power cycle helps")
            case 0x100: return make(.contextLost, "the TPM was reset and not started")
            // A handle or session that is no longer loaded: the TPM was reset since.
            case 0x910...0x916, 0x918...0x91e: return make(.contextLost, "the TPM was reset: what was loaded is gone")
            default: return make(.refused, "the TPM refused")
            }
        }
        // Format 1: the low six bits are the error, the rest says which handle, session or parameter it is about.
        switch response & 0x3f {
        case 0x0e, 0x22:
            switch authorization {
            case .none, .key: return make(.wrongAuthorization, refusal(by: authorization))
            case .parent: return make(.parentAuthorization, refusal(by: authorization))
            case .owner, .hierarchy: return make(.hierarchyAuthorization, refusal(by: authorization))
            }
        case 0x1f:
            return make(
                .foreignKey,
                "the TPM cannot load it: it belongs to another TPM, this one was cleared since it was made, or its parent is "
                    + "not the primary that this program derives (make a new one with rsagen, for the sinks too)")
        default: return make(.refused, "the TPM refused")
        }
    }

    /// The function that failed, and the code in words and as a number.
    static func source(_ response: TSS2_RC, _ function: StaticString) -> String {
        let decoded = Tss2_RC_Decode(response).map { String(cString: $0) } ?? "no description"
        return "\(function.description): \(decoded), \(hexadecimal(response))"
    }

    private static func refusal(by authorization: Authorization) -> String {
        switch authorization {
        case .none: "the TPM refused the authorization"
        case .key: "the TPM refused the key's password: it is not the one that the key was made with"
        case .parent(let handle):
            "the TPM refused the password of the key's parent \(TPMHandle.text(handle)): give it by --parent-auth-file"
        case .owner:
            "the TPM's owner hierarchy has a password, which is needed here: give it by --owner-auth-file"
        case .hierarchy(let name):
            "the TPM's \(name.description) hierarchy has a password, which is not supported "
                + "(`tpm2_changeauth -c \(name.description) -p PASSWORD` takes it away)"
        }
    }

    private static func hexadecimal(_ number: UInt32) -> String { "0x\(String(number, radix: 16))" }
}
