import CTSS2
import Platform

/// A way to a TPM: tpm2-tss' transmission interface, chosen by a configuration such as `device:/dev/tpmrm0`. Its waits end
/// at a deadline, and when the program is asked to end.
struct TCTI: ~Copyable {
    /// Where the TPM of a board is, by way of the kernel's resource manager.
    static let standard = "device:/dev/tpmrm0"

    let pointer: OpaquePointer  // <TSS2_TCTI_CONTEXT>, owned

    /// `interruption` is a descriptor that becomes readable when the program is to end, -1 for none.
    init(_ configuration: String, interruption: Int32, deadlines: TPMDeadlines) throws(TPMError) {
        // For an empty name the loader would search, and might find a simulator.
        guard let first = configuration.utf8.first, first != UInt8(ascii: ":") else {
            throw TPMError(.noDevice, "no TPM is named: a TCTI such as \(TCTI.standard) is expected")
        }
        try TCTI.examineDevice(configuration)
        var pointer: OpaquePointer?
        let response = tpm_line_open(
            configuration, TCTI.placeOfDevicePath(configuration) ?? 0, interruption, deadlines.command,
            deadlines.creation, &pointer)
        switch response {
        case TSS2_RC_SUCCESS: break
        case TSS2_RC(TPM_LINE_NO_DEVICE): throw TCTI.notADevice(configuration, response)
        case TSS2_RC(TPM_LINE_SILENT), TSS2_RC(TPM_LINE_INTERRUPTED):
            throw ResponseCode.error(response, "Tss2_TctiLdr_Initialize")
        default:
            throw TPMError(
                .noDevice,
                "no TPM at \(configuration): is the device or simulator there? "
                    + "[\(ResponseCode.source(response, "Tss2_TctiLdr_Initialize"))]", response: response)
        }
        guard let pointer else { throw TPMError(.noDevice, "no TPM at \(configuration)") }
        self.pointer = pointer
    }

    deinit { tpm_line_close(pointer) }

    /// The configuration that is meant: a path alone is that of a device.
    static func complete(_ configuration: String) -> String {
        if Text.areEqual(configuration, "device") || Text.areEqual(configuration, "device:") { return standard }
        let bytes = Array(configuration.utf8)
        guard bytes.first == UInt8(ascii: "/"), !bytes.contains(UInt8(ascii: ":")),
            !Text.begins(Path.name(of: configuration), with: "libtss2")
        else { return configuration }
        return "device:\(configuration)"
    }

    /// Where the device's path begins, for the interface `device` by any of its names, and for one that only passes on to it.
    /// Nil where the TPM is something else.
    static func placeOfDevicePath(_ configuration: String) -> Int? {
        let bytes = Array(configuration.utf8)
        var start = 0
        while let colon = bytes[start...].firstIndex(of: UInt8(ascii: ":")) {
            let name = Path.name(of: String(decoding: bytes[start..<colon], as: UTF8.self))
            start = colon + 1
            if Text.areEqual(name, "device") || Text.begins(name, with: "libtss2-tcti-device") {
                return start < bytes.count ? start : nil
            }
            guard Text.areEqual(name, "pcap") || Text.begins(name, with: "libtss2-tcti-pcap") else { return nil }
        }
        return nil
    }

    private static func devicePath(_ configuration: String) -> String? {
        placeOfDevicePath(configuration).map { String(decoding: configuration.utf8.dropFirst($0), as: UTF8.self) }
    }

    private static func notADevice(_ configuration: String, _ response: TSS2_RC) -> TPMError {
        TPMError(
            .notADevice,
            "\(devicePath(configuration) ?? configuration): not a character device, so no TPM; nothing was written to it; "
                + "see `ls -l /dev/tpm*`", response: response)
    }

    /// The loader says only that a device cannot be opened; a person needs to know why. Nothing is opened.
    /// `classes` is where the kernel tells of its TPMs.
    static func examineDevice(_ configuration: String, classes: String = "/sys/class/tpm") throws(TPMError) {
        guard let path = devicePath(configuration) else { return }
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
        guard Path.isCharacterDevice(path) else { throw notADevice(configuration, 0) }
    }
}
