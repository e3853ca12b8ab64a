import CTSS2
import Platform

/// A way to a TPM: tpm2-tss' transmission interface, chosen by a configuration such as `device:/dev/tpmrm0`.
struct TCTI: ~Copyable {
    /// Where the TPM of a board is, by way of the kernel's resource manager.
    static let standard = "device:/dev/tpmrm0"

    let pointer: OpaquePointer  // <TSS2_TCTI_CONTEXT>, owned

    init(_ configuration: String) throws(TPMError) {
        // For an empty name the loader would search, and might find a simulator.
        guard let first = configuration.utf8.first, first != UInt8(ascii: ":") else {
            throw TPMError(.noDevice, "no TPM is named: a TCTI such as \(TCTI.standard) is expected")
        }
        try TCTI.examineDevice(configuration)
        var pointer: OpaquePointer?
        let response = Tss2_TctiLdr_Initialize(configuration, &pointer)
        guard response == TSS2_RC_SUCCESS, let pointer else {
            throw TPMError(
                .noDevice,
                "no TPM at \(configuration): is the device or simulator there? "
                    + "[\(ResponseCode.source(response, "Tss2_TctiLdr_Initialize"))]", response: response)
        }
        self.pointer = pointer
    }

    deinit {
        var context: OpaquePointer? = pointer
        Tss2_TctiLdr_Finalize(&context)
    }

    /// The loader says only that a device cannot be opened; a person needs to know why.
    /// `classes` is where the kernel tells of its TPMs.
    static func examineDevice(_ configuration: String, classes: String = "/sys/class/tpm") throws(TPMError) {
        let prefix = "device:"
        guard Text.begins(configuration, with: prefix) else { return }
        let path = String(decoding: configuration.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
        let number = String(
            decoding: path.utf8.reversed().prefix { (0x30...0x39).contains($0) }.reversed(), as: UTF8.self)
        if let major = try? StateFile.read("\(classes)/tpm\(number)/tpm_version_major", limit: 16),
            major.first == UInt8(ascii: "1")
        {
            throw TPMError(
                .tpm12, "\(path) is a TPM 1.2, as the CryptoCape carries: it cannot serve, a TPM 2.0 is needed")
        }
        do throws(SystemError) {
            try Path.checkAccess(path)
        } catch {
            if error.isMissing {
                throw TPMError(
                    .noDevice,
                    "\(path): no TPM there: is the device-tree overlay loaded? see `ls /dev/tpm*` and `dmesg`")
            }
            if error.exitCode == .permission {
                throw TPMError(
                    .permission, "\(path): permission denied: add this user to the group that owns it, usually tss")
            }
            throw TPMError(.noDevice, error.message)
        }
    }
}
