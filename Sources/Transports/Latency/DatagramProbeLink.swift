import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// Probes past the transport: UDP datagrams to the server's port, from a socket of their own.
struct DatagramProbeLink: ProbeLink {
    private let socket: DatagramSocket
    private let info = ReceiveInfo()

    /// A few seconds of answers.
    private static let bufferSize = 256 << 10
    /// A flood of answers doesn't keep the probes from going.
    private static let receivesPerTurn = 64

    var descriptor: Int32 { socket.descriptor }
    var interest: SocketPoll.Ready { .readable }

    /// - Parameters:
    ///   - beginning: What `-B` means; nil for the system's choice. The port is the system's.
    ///   - settings: The test's.
    static func start(
        _ token: FlowToken, to remote: SocketAddress, from beginning: SocketAddress?, _ settings: TransportSettings
    ) throws(TransportError) -> ProbeThread {
        var options = DatagramSocket.Options()
        options.bufferSize = bufferSize
        options.useSegmentation = false
        options.useCoalescing = false
        options.typeOfService = settings.typeOfService.map { $0 & 0xfc }
        var own = beginning
        own?.port = 0
        let socket: DatagramSocket
        do throws(SocketError) {
            socket = try DatagramSocket.connected(to: remote, from: own, options)
        } catch {
            throw TransportError(.failed, "cannot measure latency by UDP: \(error)", code: Int64(error.code))
        }
        return try ProbeThread(token) { DatagramProbeLink(socket: socket) }
    }

    private init(socket: DatagramSocket) { self.socket = socket }

    func send(_ probe: [UInt8]) {
        // What can't go now is lost, as on the wire.
        _ = probe.withUnsafeBytes { socket.send($0, segmentSize: $0.count, ecn: 0, remote: nil, local: nil) }
    }

    func turn(_ ready: SocketPoll.Ready, _ take: (UnsafeRawBufferPointer) -> Void) {
        withUnsafeTemporaryAllocation(byteCount: LatencyProbe.byteCount + 1, alignment: 8) { buffer in
            // An error is a closed port's: the server may come back.
            for _ in 0..<Self.receivesPerTurn {
                guard let count = (try? socket.receive(into: buffer, info: info)) ?? nil else { return }
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }
}
