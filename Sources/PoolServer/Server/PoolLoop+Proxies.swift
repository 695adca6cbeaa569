import Logging
import PoolCore
import PostgresWire

// The PROXY protocol: load balancers say for whom they speak.

extension PoolLoop {
  /// A client's first bytes. Returns how many are dealt with; `nil` when they are the client's own.
  mutating func proxyBytes(_ index: Int, _ bytes: Span<UInt8>) -> Int? {
    switch ProxyHeader.read(in: bytes) {
    case .incomplete: return 0
    case .absent:
      clients[index].awaitsProxyHeader = false
      return nil
    case .malformed:
      counters.protocolViolations += 1
      logger.info("malformed PROXY header", metadata: ["client": "\(peer(index))"])
      loginFailed(index, "08P01", "malformed PROXY header")
      return bytes.count
    case .present(let address, let length):
      guard let peer = Socket(fd: clients[index].fd).peerAddress,
        proxyNetworks.contains(where: { $0.contains(peer) })
      else {
        counters.protocolViolations += 1
        logger.warning(
          "a PROXY header from where none is believed", metadata: ["client": "\(self.peer(index))"])
        loginFailed(
          index, "28000", "PROXY header from an address that is not trusted",
          hint: "proxy_protocol_networks of the pool says whose headers are believed.")
        return bytes.count
      }
      clients[index].awaitsProxyHeader = false
      proxied[index] = address
      return length
    }
  }

  private func peer(_ index: Int) -> String {
    Socket(fd: clients[index].fd).peerAddress?.description ?? "unknown"
  }
}
