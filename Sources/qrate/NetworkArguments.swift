import ArgumentParser
import QrateKit

/// What client and server both take.
struct NetworkArguments: ParsableArguments {
    @Flag(help: "Send datagrams one by one instead of in batches that the kernel cuts (UDP_SEGMENT).")
    var noGso = false

    @Flag(help: "Receive datagrams one by one instead of merged by the kernel (UDP_GRO).")
    var noGro = false

    @Option(
        help: ArgumentHelp(
            "Socket buffers to ask for, within the system's limit. Default: 8M, past the limit where allowed.",
            valueName: "size"))
    var socketBuffer: ByteCount?

    @Option(
        help: ArgumentHelp(
            "QUIC, TLS: who encrypts at this end. \"stock\" is GnuTLS, \"auto\" libipsec-mb where it is faster.",
            valueName: "stock|auto"))
    var aead = AEADChoice.auto

    var options: NetworkOptions {
        var options = NetworkOptions()
        options.usesSegmentationOffload = !noGso
        options.usesReceiveOffload = !noGro
        options.socketBuffer = socketBuffer
        options.aead = aead
        return options
    }
}
