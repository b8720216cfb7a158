/// Seals and opens packets (RFC 9001 §5.3) and records (RFC 8446 §5.2) with one key of AES-GCM, by one library.
///
/// A pointer to a key that whoever made it gives back with ``free()``: on the packet path nothing shall be retained or
/// allocated. One thread at a time uses a protector.
package protocol PacketProtector: BitwiseCopyable {
    static var library: AEADLibrary { get }

    /// - Parameter key: ``AESGCM/keySize`` bytes.
    /// - Returns: nil where the library, or memory, is missing.
    init?(_ algorithm: AESGCM, key: UnsafeRawBufferPointer)

    /// Erases the key.
    func free()

    /// Writes `count` bytes of ciphertext and the tag to `sealed`, which may be `text` itself.
    ///
    /// - Parameters:
    ///   - nonce: ``AESGCM/nonceSize`` bytes, never used before with this key.
    ///   - header: What is authenticated in the clear.
    func seal(
        _ text: UnsafeRawPointer, count: Int, into sealed: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool

    /// Writes the plaintext of `count` bytes, tag included, to `text`, which may be `sealed` itself.
    ///
    /// - Returns: Whether it is what was sealed. If not, what lies at `text` means nothing.
    func open(
        _ sealed: UnsafeRawPointer, count: Int, into text: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool
}
