import Glibc
import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// Makes a test's flows of datagrams beside its control connection: on the control connection's port number, or on one
/// port for each flow where a peer or this kernel can't share one.
enum UDPPlaneMaker {
    /// How long a test waits for its flows.
    static let attachingTime = Duration.seconds(30)
    /// From a header alone to the largest payload of an IPv4 datagram.
    private static let units: ClosedRange<UInt64> = 16...65_507

    private static func check(_ plan: DataPlan) throws(TransportError) {
        let settings = plan.parameters.settings
        let unit = settings.payloadUnit?.bytes ?? UInt64(UDPDataPlane.defaultUnit)
        guard units.contains(unit) else {
            throw TransportError(
                .usage, "datagrams of \(unit) bytes are out of range: \(units.lowerBound) to \(units.upperBound)")
        }
        guard plan.peer.contains(.isQrate) || unit == UInt64(UDPDataPlane.defaultUnit) else {
            throw TransportError(
                .usage, "the peer knows only datagrams of \(UDPDataPlane.defaultUnit) bytes: leave -l out")
        }
        guard settings.probesPathMTU else { return }
        guard plan.peer.contains(.probesPathMTU) else {
            throw TransportError(.refused, "the peer can't take part in a search for the path MTU")
        }
        guard plan.streams == 1, plan.direction == .upload else {
            throw TransportError(.usage, "a search for the path MTU is an upload of one stream")
        }
    }

    /// What the test's sockets are asked for.
    private static func options(_ base: DatagramSocket.Options, _ plan: DataPlan) -> DatagramSocket.Options {
        let settings = plan.parameters.settings
        var options = base
        if let window = settings.window { options.bufferSize = Int(clamping: window.bytes) }
        options.refusesFragments = settings.probesPathMTU
        options.typeOfService = settings.typeOfService
        options.countsDrops = plan.receives
        return options
    }

    // MARK: Server

    struct Server: PlaneMaker {
        let door: FlowDoor
        let loop: StreamLoop
        let threads: DataThreads
        let base: DatagramSocket.Options

        func offer(
            _ plan: DataPlan, beside control: ControlConnection
        ) async throws(TransportError) -> (any SessionPlane, DataOffer) {
            try check(plan)
            let count = plan.streams * (plan.sends ? 2 : 1)
            try threads.take(count)
            let plane: UDPDataPlane
            do throws(TransportError) {
                plane = try UDPDataPlane(plan, control)
            } catch {
                threads.giveBack(count)
                throw error
            }
            plane.atTheEnd { [threads] in threads.giveBack(count) }
            let offer: DataOffer
            do throws(TransportError) {
                offer = try expect(plane, plan, control)
            } catch {
                await plane.close()
                throw error
            }
            let deadline = MonotonicClock.now() + attachingTime
            loop.post { [weak plane] turn in turn.at(deadline) { plane?.attachingTimeIsOver() } }
            return (plane, offer)
        }

        /// Makes the client's flows welcome.
        private func expect(
            _ plane: UDPDataPlane, _ plan: DataPlan, _ control: ControlConnection
        ) throws(TransportError) -> DataOffer {
            let options = options(base, plan)
            let host = control.remote.host
            guard !plan.peer.contains(.singlePortUDP) || !door.canShareThePort else {
                let token = door.register(
                    FlowDoor.Entry(host: host, streams: plan.streams, options: options, sink: plane))
                plane.atTheEnd { [door] in door.remove(token) }
                return DataOffer(token: token.hexadecimal)
            }
            var address = control.local
            address.port = 0
            var ports: [UInt16] = []
            for index in 0..<plan.streams {
                do throws(SocketError) {
                    let socket = try DatagramSocket.bound(to: address, options)
                    ports.append(try socket.localAddress().port)
                    _ = plane.attach(UDPFlow(socket, index: index, .awaited(host: host)))
                } catch {
                    throw TransportError(.failed, "cannot open a UDP data port: \(error)", code: Int64(error.code))
                }
            }
            return DataOffer(ports: ports)
        }

        func open(
            _ plan: DataPlan, _ offer: DataOffer, beside control: ControlConnection
        ) async throws(TransportError) -> any SessionPlane {
            throw TransportError(.failed, "a server opens no flows")
        }
    }

    // MARK: Client

    struct Client: PlaneMaker {
        let connector: StreamConnector
        let base: DatagramSocket.Options

        func offer(
            _ plan: DataPlan, beside control: ControlConnection
        ) async throws(TransportError) -> (any SessionPlane, DataOffer) {
            throw TransportError(.failed, "a client offers no flows")
        }

        func open(
            _ plan: DataPlan, _ offer: DataOffer, beside control: ControlConnection
        ) async throws(TransportError) -> any SessionPlane {
            try check(plan)
            let token = try token(plan, offer)
            let plane = try UDPDataPlane(plan, control)
            do throws(TransportError) {
                for index in 0..<plan.streams {
                    let socket = try socket(index, plan, offer, control)
                    _ = plane.attach(
                        UDPFlow(socket, index: index, token.map { .hello($0) } ?? .portOfItsOwn))
                }
                try await plane.ready()
                return plane
            } catch {
                await plane.close()
                throw error
            }
        }

        /// nil where each flow has a port of its own.
        private func token(_ plan: DataPlan, _ offer: DataOffer) throws(TransportError) -> FlowToken? {
            if offer.ports.isEmpty {
                guard let text = offer.token, let token = FlowToken(hexadecimal: text) else {
                    throw TransportError(
                        .protocolError, "the server offers neither data ports nor a token for its own port")
                }
                return token
            }
            guard offer.ports.count == plan.streams, !offer.ports.contains(0) else {
                throw TransportError(
                    .protocolError, "the server offers \(offer.ports.count) data ports for \(plan.streams) flows")
            }
            return nil
        }

        private func socket(
            _ index: Int, _ plan: DataPlan, _ offer: DataOffer, _ control: ControlConnection
        ) throws(TransportError) -> DatagramSocket {
            var remote = control.remote
            if index < offer.ports.count { remote.port = offer.ports[index] }
            let beginning = try connector.beginning(for: remote, port: try localPort(index))
            do throws(SocketError) {
                return try DatagramSocket.connected(to: remote, from: beginning, options(base, plan))
            } catch {
                let isAsked = connector.local.host != nil || connector.local.port != nil
                switch error.code {
                case EADDRINUSE where isAsked:
                    throw TransportError(
                        .usage, "\(error): another socket has that port, choose another --cport",
                        code: Int64(error.code))
                case EADDRNOTAVAIL where isAsked:
                    throw TransportError(
                        .usage, "\(error): is it an address of this host?", code: Int64(error.code))
                default:
                    throw TransportError(.failed, "cannot open a UDP flow: \(error)", code: Int64(error.code))
                }
            }
        }

        private func localPort(_ index: Int) throws(TransportError) -> UInt16 {
            guard let first = connector.local.port else { return 0 }
            guard let port = UInt16(exactly: Int(first) + index) else {
                throw TransportError(
                    .usage, "the port of stream \(index + 1), counted from --cport \(first), is above 65535")
            }
            return port
        }
    }
}
