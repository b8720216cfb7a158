/// A feature that a hello announces. Unknown ones are ignored; only what works is announced.
package enum Capability {
    package static let quic = "quic"
    package static let multistream = "multistream"
    package static let byteBudget = "byte_budget_v1"
    /// The peer knows the nested `qrate` objects and the `report` message.
    package static let qrate = "qrate_v1"

    package static let announced = [quic, multistream, byteBudget, qrate]
}
