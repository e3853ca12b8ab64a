import CTSS2

/// An object that this context has at hand, to be released by it: flushed from the TPM when it was loaded, only forgotten
/// when it is persistent.
struct LoadedObject {
    let handle: ESYS_TR
    let isPersistent: Bool
}
