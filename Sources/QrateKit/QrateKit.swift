// QrateKit
